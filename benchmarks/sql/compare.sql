-- Compares the accepted rows with the source, row by row and column by column.
with kept as (
    select * from received where "Reject__c" <> all (%(rejected)s)
), expected as (
    select * from {table} where id > %(behind)s and reject <> all (%(rejected)s)
)
select (select count(*) from expected) as expected,
       count(*) as arrived,
       count(distinct r."Key__c") as keys,
       count(*) filter (where (s.id, s.name, s.email, s.city, s.country, s.active, s.score, s.amount, s.visits, s.since,
                               s.seen, s.channel, s.medium, s.origin, s.landing_page, s.referrer, s.campaign,
                               coalesce(s.keyword, ''), s.notes, s.reject)
                            = (r."Key__c", r."Name", r."Email__c", r."City__c", r."Country__c", r."Active__c"::boolean,
                               r."Score__c"::numeric, r."Amount__c"::numeric, r."Visits__c"::numeric::int,
                               r."Since__c"::date, r."Seen__c"::timestamptz, r."Channel__c", r."Medium__c",
                               r."Source__c", r."Landing_Page__c", r."Referrer__c", r."Campaign__c",
                               coalesce(nullif(r."Keyword__c", '#N/A'), ''), r."Notes__c", r."Reject__c")) as equal
from kept r left join expected s on s.id = r."Key__c"

-- Compares what arrived with the rows that were refused before.
select (select count(*) from {table} where refuse = any (%(refused)s)), count(*), count(distinct r."Key__c"),
       count(*) filter (where s.refuse = any (%(refused)s) and s.notes = r."Notes__c")
from received r left join {table} s on s.id = r."Key__c"

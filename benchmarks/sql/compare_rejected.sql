-- Compares what arrived with the rows that had been rejected.
select (select count(*) from {table} where reject = any (%(rejected)s)), count(*), count(distinct r."Key__c"),
       count(*) filter (where s.reject = any (%(rejected)s) and s.notes = r."Notes__c")
from received r left join {table} s on s.id = r."Key__c"

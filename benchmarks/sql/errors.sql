-- Compares the open export errors with the rows that were to be refused.
select (select count(*) from {table} where refuse = any (%(refused)s)), count(*),
       count(*) filter (where s.refuse = any (%(refused)s))
from crm_export.ExportErrors e left join {table} s on s.id = e.record_key
where e.status = 'open'

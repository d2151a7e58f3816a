-- Compares the open export errors with the rows that the sink rejects.
select (select count(*) from {table} where reject = any (%(rejected)s)), count(*),
       count(*) filter (where s.reject = any (%(rejected)s))
from crm_export.ExportErrors e left join {table} s on s.id = e.record_key
where e.status = 'open'

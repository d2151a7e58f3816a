-- Finds the keys of the source rows whose external ids are listed.
select {key_text}
from {source} s
where exists (select 1 from pg_temp.crm_export_listed l where {is_same})
order by s.{cursor}, {key_order}

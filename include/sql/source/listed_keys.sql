-- Finds the keys of the source rows whose external ids are listed.
select s.{key}::text
from {source} s
where exists (select 1 from pg_temp.crm_export_listed l where lower(btrim(l.external_id)) = lower(btrim({external_id})))
order by s.{cursor}, {key_order}

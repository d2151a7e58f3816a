-- Finds listed records that no source row has the external id of; Salesforce trims ids and ignores their case.
select l.external_id, l.salesforce_id
from pg_temp.crm_export_listed l
where not exists (select 1 from {source} s where lower(btrim({external_id})) = lower(btrim(l.external_id)))
order by l.external_id

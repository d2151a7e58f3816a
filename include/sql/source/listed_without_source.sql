-- Finds listed records that no source row has the external id of, compared as Salesforce compares them.
select l.external_id, l.salesforce_id
from pg_temp.crm_export_listed l
where not exists (select 1 from {source} s where {is_same})
order by l.external_id

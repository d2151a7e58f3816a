-- Finds listed records whose external id no source row has, compared as Salesforce compares ids.
select l.external_id, l.salesforce_id
from pg_temp.crm_export_listed l
where not exists (select 1 from {source} s where {is_same})
order by l.external_id

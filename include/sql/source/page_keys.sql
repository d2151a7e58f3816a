-- The current source rows of keys; rows above the watermark are left to CRMExport.
select row_number() over (order by listed.place) as crm_export_ordinal, {columns}
from unnest(%(keys)s::text[]) with ordinality listed (record_key, place)
join {source} s on {is_listed}
where {at_or_below}

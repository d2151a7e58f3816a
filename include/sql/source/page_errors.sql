-- The current source rows of export errors that are due; rows above the watermark are left to CRMExport.
select row_number() over (order by e.id) as crm_export_ordinal, {columns}
from crm_export.ExportErrors e
join {source} s on {is_of_error}
where e.id = any (%(errors)s)

-- Finds the source rows of refused records that have changed since they were sent: their version is not kept.
update crm_export_results r set record_key = s.{key}::text
from {source} s
where r.kind = 'refused' and r.record_key is null and {answered}

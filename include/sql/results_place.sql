-- Finds the source rows of refused records in the window that was sent.
update crm_export_results r
set record_key = s.{key}::text, cursor_at = s.{cursor}, payload = {payload}
from {source} s
where r.kind = 'refused' and {range} and {answered}

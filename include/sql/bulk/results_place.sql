-- Finds the source rows of rejected records among those that the job has sent.
update crm_export_results r
set record_key = {key_text}, external_id = {external_id}::text, cursor_at = s.{cursor}, payload = {payload}
from {source} s
where r.kind = 'rejected' and {range} {part} and {answered}
  -- a row that the job left out may have the same external id: a deleted one
  and not exists (
      select 1 from crm_export.ExportBatchRows m
      where m.batch = %(batch)s and m.record_key = ({key_text} collate "C") and m.cursor_at = s.{cursor})

-- Rows of a window's part that its job carried, by their external ids, in position order.
select row_number() over (order by s.{cursor}, {key_order}) as crm_export_ordinal, s.*
from {source} s
where {range} {part} and {external_id}::text = any (%(external_ids)s)
  -- a row that the job left out may have the same external id: a deleted one
  and not exists (
      select 1 from crm_export.ExportBatchRows m
      where m.batch = %(batch)s and m.record_key = (s.{key}::text collate "C") and m.cursor_at = s.{cursor})

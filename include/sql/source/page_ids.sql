-- Rows of a window's part that its job carried, by their external ids, in position order.
select row_number() over (order by s.{cursor}, {key_order}) as crm_export_ordinal, {columns}
from {source} s
where {range} {part} and exists (select 1 from unnest(%(external_ids)s::text[]) given (external_id) where {is_same})
  -- a deleted row, which the job left out, may have the same external id
  and not exists (
      select 1 from crm_export.ExportBatchRows m
      where m.batch = %(batch)s and m.record_key = ({key_text} collate "C") and m.cursor_at = s.{cursor})

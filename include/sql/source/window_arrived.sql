-- Counts the rows of a window that its jobs carried and that were not recorded as rejected since the window was planned.
select count(*) from {source} s
where {range} and not exists (
    select 1 from crm_export.ExportErrors e
    where e.stream = %(stream)s and e.status <> 'resolved' and e.record_key = ({key_text} collate "C")
      and e.record_changed_at = s.{cursor} and e.last_seen_at >= %(planned_at)s::timestamptz)
  and not exists (
    select 1 from crm_export.ExportBatchRows m
    where m.batch in (select id from crm_export.ExportBatches where window_id = %(window_id)s)
      and m.record_key = ({key_text} collate "C") and m.cursor_at = s.{cursor})

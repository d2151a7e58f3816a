-- Counts the rows of a window that a job carried and that were not rejected.
select count(*) from {source} s
where {range} and not exists (
    select 1 from crm_export_results r
    where r.kind in ('rejected', 'unprocessed') and r.record_key = ({key_text} collate "C"))
  and not exists (
    select 1 from crm_export.ExportBatchRows m
    where m.batch = %(batch)s and m.record_key = ({key_text} collate "C") and m.cursor_at = s.{cursor})

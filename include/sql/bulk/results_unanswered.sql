-- Finds the first row of a window that was sent and has no answer.
select s.{cursor}::text, {key_text} from {source} s
where {range} {part} and not exists (
    select 1 from crm_export_results r where r.kind in ('accepted', 'rejected') and {answered})
  and not exists (
    select 1 from crm_export.ExportBatchRows m
    where m.batch = %(batch)s and m.record_key = ({key_text} collate "C") and m.cursor_at = s.{cursor})
order by s.{cursor}, {key_order} limit 1

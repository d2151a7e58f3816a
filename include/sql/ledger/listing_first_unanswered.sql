-- Finds the first row of a manifest without an answer.
select m.cursor_at::text, m.record_key from crm_export.ExportBatchRows m
where m.batch = %(batch)s and not exists (
    select 1 from crm_export_results r where r.kind in ('accepted', 'rejected') and {is_answer})
order by m.ordinal limit 1

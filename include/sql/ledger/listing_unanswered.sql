-- Removes the rows without an answer from a manifest; their errors stay as they are.
delete from crm_export.ExportBatchRows m
where m.batch = %(batch)s and not exists (
    select 1 from crm_export_results r where r.kind in ('accepted', 'rejected') and {is_answer})

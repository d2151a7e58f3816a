-- Returns whether the jobs of a window left out any row.
select exists (
    select 1
    from crm_export.ExportBatchRows m
    join crm_export.ExportBatches b on b.id = m.batch
    where b.window_id = %(window_id)s
)

-- Deletes the list of rows that the jobs of a window left out: they have been sent.
delete from crm_export.ExportBatchRows m using crm_export.ExportBatches b
where m.batch = b.id and b.window_id = %(window_id)s

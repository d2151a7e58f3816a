-- Counts the rows that the jobs of a window hold.
select coalesce(sum(sent), 0) from crm_export.ExportBatches where window_id = %(window_id)s

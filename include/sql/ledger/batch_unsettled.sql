-- Counts the jobs of a window that are not settled.
select count(*) from crm_export.ExportBatches where window_id = %(window_id)s and state <> 'SETTLED'

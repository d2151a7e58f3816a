-- Reads the jobs of a window, including settled and abandoned ones.
select id, transport, action, state, job_id, row_count, sent,
    range_from_at::text, range_from_key, range_to_at::text, range_to_key, window_id, part, parts, planned_at::text
from crm_export.ExportBatches
where window_id = %(window_id)s
order by id

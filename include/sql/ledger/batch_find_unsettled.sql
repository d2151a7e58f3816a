-- Finds the batches that earlier runs left unsettled.
select id, transport, action, state, job_id, row_count, sent,
    range_from_at::text, range_from_key, range_to_at::text, range_to_key, window_id, part, parts, planned_at::text
from crm_export.ExportBatches
where stream = %(stream)s and state in ('PLANNED', 'SENDING')
order by id

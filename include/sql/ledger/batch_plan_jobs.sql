-- Writes the lines of a window's jobs before the first HTTP call.
insert into crm_export.ExportBatches (
    stream, run, epoch, transport, action, row_count, range_from_at, range_from_key, range_to_at, range_to_key,
    window_id, part, parts)
select %(stream)s, %(run)s, %(epoch)s, 'bulk', %(action)s, %(rows)s,
       %(range_from_at)s, %(range_from_key)s, %(range_to_at)s, %(range_to_key)s, %(window_id)s, part, %(parts)s
from generate_series(0, %(parts)s - 1) part
returning id, transport, action, state, job_id, row_count, sent,
    range_from_at::text, range_from_key, range_to_at::text, range_to_key, window_id, part, parts, planned_at::text

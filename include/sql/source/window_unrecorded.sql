-- Finds the first rejected row of a window that its settled jobs have counted only.
select b.unrecorded_at::text, b.unrecorded_key
from crm_export.ExportBatches b
where b.window_id = %(window_id)s and b.state = 'SETTLED' and b.unrecorded_at is not null
  and (b.unrecorded_at, {key}) <= (%(range_to_at)s::timestamptz, {end_key})
order by b.unrecorded_at, {key} limit 1

-- Reads whether a run waits for the lease of a stream; one that died has not asked for a while.
select coalesce(max(lease_wanted_at) > clock_timestamp() - interval '10 seconds', false)
from crm_export.ExportWatermarks where stream = %(stream)s

-- Reads whether a run waits for the lease of a stream; the request of a run that died expires.
select coalesce(max(lease_wanted_at) > clock_timestamp() - interval '10 seconds', false)
from crm_export.ExportWatermarks where stream = %(stream)s

-- Reads the value of pause_on_export_errors that the last export used.
select paused_on_errors as value, started_at as at, stream
from crm_export.ExportRuns where kind = 'export' order by id desc limit 1

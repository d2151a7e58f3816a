-- Marks a resend as finished; one of the whole stream clears the alerts of fields that were new when it was requested.
with finished as (
    update crm_export.ExportResends set finished_at = clock_timestamp()
    where id = %(resend)s and finished_at is null
    returning stream, asked_at, key is null and from_at is null and to_at is null as is_whole
)
update crm_export.ExportAlerts a set cleared_at = clock_timestamp()
from finished f
where f.is_whole and a.kind = 'new_field' and a.stream = f.stream and a.cleared_at is null and a.raised_at < f.asked_at

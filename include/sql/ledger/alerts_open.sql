-- Lists the open alerts for people, newest first, unread before read.
select a.id, a.kind, a.severity, a.stream, a.subject, a.message, a.error, a.times, a.raised_at, a.sent_at, a.read_at,
       e.record_key, e.error_code, e.error_name, e.error_message
from crm_export.ExportAlerts a
left join crm_export.ExportErrors e on e.id = a.error
where a.cleared_at is null or (a.kind = 'audit' and a.raised_at > clock_timestamp() - interval '7 days')
order by a.read_at is not null, a.id desc
limit %(limit)s

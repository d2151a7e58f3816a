-- Counts the open alerts, and the unread ones among them and the audit alerts of the last week.
select count(*) filter (where a.cleared_at is null) as open,
       count(*) filter (where a.read_at is null) as unread,
       count(*) filter (where a.read_at is null and a.severity = 'critical') as critical
from crm_export.ExportAlerts a
where (a.cleared_at is null or (a.kind = 'audit' and a.raised_at > clock_timestamp() - interval '7 days'))
  and not crm_export.is_part_of_hold(a.kind, a.stream, a.subject)

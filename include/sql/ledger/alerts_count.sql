-- Counts the open alerts, and those that nobody has marked as read: the open ones and the notes of the last week.
select count(*) filter (where a.cleared_at is null) as open,
       count(*) filter (where a.read_at is null) as unread,
       count(*) filter (where a.read_at is null and a.severity = 'critical') as critical
from crm_export.ExportAlerts a
where (a.cleared_at is null or (a.kind = 'audit' and a.raised_at > clock_timestamp() - interval '7 days'))
  -- the record that a stream is held at has an alert of its own
  and not (a.kind = 'rejected' and not exists (
      select from crm_export.ExportErrors c
      where c.cause = a.subject and c.stream = a.stream and c.status in ('open', 'waiting')
        and not exists (select from crm_export.ExportWatermarks s where s.stopped_at_error_id = c.id)))

-- Lists alerts for people, newest first: the open ones with the audit alerts of the last week, or all of them.
select a.id, a.key, a.kind, a.severity, a.stream, a.subject, a.message,
       case when a.cleared_at is null or a.kind = 'audit' then 'raised' else 'cleared' end as event,
       a.raised_at, case when a.kind <> 'audit' then a.cleared_at end as cleared_at, a.times, a.sent_at, a.read_at, a.read_by,
       e.id as error, e.object, e.record_key, e.external_id, e.salesforce_id, e.operation, e.error_code,
       e.error_message, e.error_fields, e.attempts, e.resolved_by, w.instance_url,
       to_char(coalesce(case when a.kind = 'held' then w.held_since end, a.raised_at) at time zone 'UTC',
               'YYYY-MM-DD HH24:MI') as since,
       (select r.rows_waiting from crm_export.ExportRuns r
        where r.stream = a.stream and r.kind = 'export' and r.rows_waiting is not null
        order by r.id desc limit 1) as rows_waiting,
       case a.kind
           when 'rejected' then (select count(*) from crm_export.ExportErrors c
                                 where c.cause = a.subject and c.stream = a.stream and c.status in ('open', 'waiting'))
           when 'finding' then (select count(*) from crm_export.ExportFindings f
                                where f.stream = a.stream and f.kind = a.subject and f.closed_at is null)
       end as records
from crm_export.ExportAlerts a
left join crm_export.ExportErrors e on e.id = a.error
left join crm_export.ExportWatermarks w on w.stream = a.stream
where (%(all)s or a.cleared_at is null
       or (a.kind = 'audit' and a.raised_at > clock_timestamp() - interval '7 days'))
  and (%(before)s::timestamptz is null or a.raised_at < %(before)s)
  and (a.cleared_at is not null or not crm_export.is_part_of_hold(a.kind, a.stream, a.subject))
order by a.raised_at desc
fetch first %(limit)s rows with ties

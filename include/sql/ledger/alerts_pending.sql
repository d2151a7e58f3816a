-- Reads what a channel has not been sent yet: alerts that are new, due for a reminder, or cleared.
with delivered as (
    select a.*, raised.sent_at as raised_sent_at, reminder.sent_at as reminded_at,
           case when a.kind = 'audit'
                then case when raised.alert is null and a.raised_at > clock_timestamp() - interval '7 days'
                          then 'raised' end
                when a.cleared_at is not null
                then case when raised.alert is not null and cleared.alert is null then 'cleared' end
                when raised.alert is null then 'raised'
                when a.severity = 'critical'
                     and clock_timestamp() > coalesce(reminder.sent_at + interval '7 days', raised.sent_at + interval '1 day')
                then 'reminder' end as event
    from crm_export.ExportAlerts a
    left join crm_export.ExportAlertDeliveries raised
      on raised.alert = a.id and raised.channel = %(channel)s and raised.event = 'raised'
    left join crm_export.ExportAlertDeliveries reminder
      on reminder.alert = a.id and reminder.channel = %(channel)s and reminder.event = 'reminder'
    left join crm_export.ExportAlertDeliveries cleared
      on cleared.alert = a.id and cleared.channel = %(channel)s and cleared.event = 'cleared'
    where a.severity = any (%(severities)s)
      and (%(streams)s::text[] is null or a.stream is null or a.stream = any (%(streams)s::text[]))
      and (a.cleared_at is null or a.cleared_at > clock_timestamp() - interval '30 days')
)
select d.id, d.key, d.kind, d.severity, d.stream, d.subject, d.message, d.event, d.raised_at, d.cleared_at, d.times,
       e.id as error, e.object, e.record_key, e.external_id, e.salesforce_id, e.operation, e.error_code,
       e.error_message, e.error_fields, e.attempts, e.resolved_by, w.instance_url,
       to_char(coalesce(w.held_since, d.raised_at) at time zone 'UTC', 'YYYY-MM-DD HH24:MI') as since,
       (select r.rows_waiting from crm_export.ExportRuns r
        where r.stream = d.stream and r.kind = 'export' and r.rows_waiting is not null
        order by r.id desc limit 1) as rows_waiting,
       case d.kind
           when 'rejected' then (select count(*) from crm_export.ExportErrors c
                                 where c.cause = d.subject and c.stream = d.stream and c.status in ('open', 'waiting'))
           when 'finding' then (select count(*) from crm_export.ExportFindings f
                                where f.stream = d.stream and f.kind = d.subject and f.closed_at is null)
       end as records
from delivered d
left join crm_export.ExportErrors e on e.id = d.error
left join crm_export.ExportWatermarks w on w.stream = d.stream
where d.event is not null
  and not (d.event = 'raised' and crm_export.is_part_of_hold(d.kind, d.stream, d.subject))
order by array_position(array['critical', 'warning', 'info'], d.severity), d.id
limit %(limit)s

-- Records what a channel was sent, and on the alert itself that its state was reported.
with sent as (
    insert into crm_export.ExportAlertDeliveries as d (alert, channel, event)
    select sent.alert, %(channel)s, sent.event from unnest(%(alerts)s::bigint[], %(events)s::text[]) as sent (alert, event)
    on conflict (alert, channel, event) do update set sent_at = clock_timestamp(), times = d.times + 1
    returning d.alert, d.event
)
update crm_export.ExportAlerts a
set sent_at = case when s.event = 'raised' then coalesce(a.sent_at, clock_timestamp()) else a.sent_at end,
    clear_sent_at = case when s.event = 'cleared' then clock_timestamp() else a.clear_sent_at end,
    reminders = a.reminders + case when s.event = 'reminder' then 1 else 0 end
from sent s
where a.id = s.alert

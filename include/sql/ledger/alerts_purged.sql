-- Finds rejected deletes whose source row will be purged soon: after that they cannot be sent.
select e.id, e.record_key,
       to_char((e.record_changed_at + %(purged_after)s::interval) at time zone 'UTC', 'YYYY-MM-DD HH24:MI') as purged_at
from crm_export.ExportErrors e
where e.stream = %(stream)s and e.operation = 'delete' and e.status <> 'resolved'
  and e.record_changed_at + %(purged_after)s::interval < clock_timestamp() + interval '2 days'
order by e.id limit 1000

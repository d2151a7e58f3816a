-- Reads everything about one export error except its attempts.
select e.id, e.stream, e.object, left(e.record_key, 4000) as record_key, left(e.external_id, 4000) as external_id,
       e.operation, e.error_code as code, e.error_name as name, e.error_class, e.error_message as message,
       e.error_fields as fields, e.cause, e.status,
       coalesce(w.stopped_at_error_id = e.id, false) and e.status in ('open', 'waiting') as holding,
       e.attempts, e.first_seen_at, e.last_seen_at, e.next_attempt_at, e.salesforce_id, w.instance_url,
       to_char(e.record_changed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as record_changed_at,
       case when p.id is not null then jsonb_build_object(
           'error_id', p.id, 'stream', p.stream, 'record_key', p.record_key, 'status', p.status) end as waiting_for,
       (select count(*) from crm_export.ExportErrors c where c.waiting_for = e.id and c.status = 'waiting')
           as children_waiting,
       e.resolved_at, e.resolved_by, e.ignored_reason, e.ignored_until,
       coalesce(w.stopped_at_error_id = e.id, false) as stops_stream,
       crm_export.sender_of(w.cursor_at, w.stopped_at_error_id, e.id, e.record_changed_at) as retry_with,
       e.dag_id, e.run_id, e.payload
from crm_export.ExportErrors e
left join crm_export.ExportErrors p on p.id = e.waiting_for and e.status = 'waiting'
left join crm_export.ExportWatermarks w on w.stream = e.stream
where e.id = %(error)s

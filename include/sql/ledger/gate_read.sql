-- Reads the export error at which a stream is stopped.
select e.id, e.record_key, e.status, e.error_code, e.error_class, e.error_message, e.error_fields, e.attempts,
       to_char(e.record_changed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as changed,
       to_char(e.first_seen_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI') as since,
       (select r.rows_waiting from crm_export.ExportRuns r
        where r.stream = w.stream and r.kind = 'export' and r.rows_waiting is not null
        order by r.id desc limit 1) as rows_waiting,
       p.stream as parent_stream, p.record_key as parent_key
from crm_export.ExportWatermarks w
join crm_export.ExportErrors e on e.id = w.stopped_at_error_id
left join crm_export.ExportErrors p on p.id = e.waiting_for and e.status = 'waiting'
where w.stream = %(stream)s
for update of w, e

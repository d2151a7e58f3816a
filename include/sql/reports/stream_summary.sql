-- Summarises each stream for people: its state and what its last export did.
select w.stream, w.cursor_at::text as watermark, w.record_key,
       to_char(w.held_since at time zone 'UTC', 'YYYY-MM-DD HH24:MI') as held_since,
       e.record_key as held_key, e.error_code as held_code, e.error_message as held_message,
       r.outcome, r.message, coalesce(r.rows_changed, 0) as rows_changed, coalesce(r.rows_sent, 0) as rows_sent,
       coalesce(r.accepted, 0) as accepted, coalesce(r.refused, 0) as rejected, r.rows_waiting
from crm_export.ExportWatermarks w
left join crm_export.ExportErrors e on e.id = w.stopped_at_error_id
left join lateral (
    select * from crm_export.ExportRuns r
    where r.stream = w.stream and r.kind = 'export' order by r.id desc limit 1
) r on true
where w.stream = any (%(streams)s)

-- Reads the state of each stream for the page: watermark, stop, lease, latest exports.
select w.stream,
       to_char(w.cursor_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as changed_at,
       w.cursor_at::text as cursor_at, w.record_key,
       coalesce(w.lease_until > clock_timestamp(), false) as running,
       case when e.id is not null then jsonb_build_object(
           'since', w.held_since, 'error_id', e.id, 'record_key', e.record_key, 'status', e.status,
           'code', e.error_code, 'name', e.error_name, 'error_class', e.error_class,
           'message', left(e.error_message, 1000), 'fields', e.error_fields, 'attempts', e.attempts,
           'arrived_behind', coalesce(w.arrived_behind, 0), 'rejected_behind', coalesce(w.rejected_behind, '{}'),
           'parent', case when p.id is not null then jsonb_build_object(
               'error_id', p.id, 'stream', p.stream, 'record_key', p.record_key) end) end as held,
       r.runs
from crm_export.ExportWatermarks w
left join crm_export.ExportErrors e on e.id = w.stopped_at_error_id and e.status in ('open', 'waiting')
left join crm_export.ExportErrors p on p.id = e.waiting_for and e.status = 'waiting'
left join lateral (
    select jsonb_agg(to_jsonb(last) order by last.id desc) as runs
    from (select x.*, x.refused as rejected from crm_export.ExportRuns x
          where x.stream = w.stream and x.kind = 'export' order by x.id desc limit 30) last
) r on true
where w.stream = any (%(streams)s)

-- Returns what an action would do to each stream's errors; changes nothing.
with selected as (
    select e.id, e.stream, e.status,
           coalesce(w.stopped_at_error_id = e.id, false) and e.status in ('open', 'waiting') as holds,
           coalesce(case when s.dag_id = 'CRMExport' then %(exporters)s::jsonb ->> e.stream end, s.dag_id) as dag_id
    from crm_export.ExportErrors e
    left join crm_export.ExportWatermarks w on w.stream = e.stream
    cross join lateral crm_export.sender_of(w.cursor_at, w.stopped_at_error_id, e.id, e.record_changed_at) s (dag_id)
    where e.status <> 'resolved'
      and (%(errors)s::bigint[] is null or e.id = any (%(errors)s))
      and (%(cause)s::text is null or e.cause = %(cause)s)
      and (%(code)s::text is null or e.error_code = %(code)s)
      and (%(object)s::text is null or e.object = %(object)s)
      and (%(stream)s::text is null or e.stream = %(stream)s)
      and (%(status)s::text is null or e.status = %(status)s)
)
select stream, dag_id, count(*) as selected, count(*) filter (where status = any (%(from_statuses)s)) as changes,
       bool_or(holds and status = any (%(from_statuses)s)) as ends_hold
from selected group by stream, dag_id order by stream, dag_id

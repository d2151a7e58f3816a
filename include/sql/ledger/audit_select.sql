-- Records which export errors an action is about, up to a limit; for a retry also which DAG sends each record.
insert into crm_export.ExportAuditRecords (audit, error, stream, record_key, dag_id)
select %(audit)s, e.id, e.stream, left(e.record_key, 300),
       case when %(retry)s then coalesce(case when s.dag_id = 'CRMExport' then %(exporters)s::jsonb ->> e.stream end, s.dag_id) end
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
order by e.id
limit %(limit)s

-- Lists the attempts of one export error, newest first, with the person who requested each.
select a.attempted_at as at, a.outcome, a.error_code as code, left(a.error_message, 1000) as message,
       to_char(a.record_changed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as record_changed_at,
       r.dag_id, r.run_id, r.task_id, r.try_number, u.actor
from crm_export.ExportErrorAttempts a
left join crm_export.ExportRuns r on r.id = a.run
left join crm_export.ExportAuditRecords x
  on x.error = a.error and x.dag_id = r.dag_id and r.run_id = 'page__' || x.audit
left join crm_export.ExportAudit u on u.id = x.audit
where a.error = %(error)s
order by a.id desc limit 100

-- Finds a retry of the last minute that includes one of the same records and has no result for it yet.
select max(a.id)
from crm_export.ExportAuditRecords mine
join crm_export.ExportAuditRecords r on r.error = mine.error and r.audit <> mine.audit and r.dag_id is not null
join crm_export.ExportAudit a on a.id = r.audit
where mine.audit = %(audit)s and a.action = 'retry' and a.problem is null
  and a.at > clock_timestamp() - interval '1 minute'
  and not exists (
      select 1 from crm_export.ExportErrorAttempts t
      join crm_export.ExportRuns n on n.id = t.run
      where t.error = r.error and n.run_id = 'page__' || r.audit)

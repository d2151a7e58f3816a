-- Lists the export errors of one stream that a person asked to retry.
select r.error
from crm_export.ExportAuditRecords r
join crm_export.ExportAudit a on a.id = r.audit and a.action = 'retry'
where r.audit = %(audit)s and r.dag_id = %(dag_id)s and r.stream = %(stream)s
order by r.error

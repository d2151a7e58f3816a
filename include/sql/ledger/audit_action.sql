-- Reads one action.
select a.id, a.at, a.actor, a.action as kind, a.reason, a.problem,
       array(select distinct r.dag_id from crm_export.ExportAuditRecords r
             where r.audit = a.id and r.dag_id is not null order by 1) as dag_ids
from crm_export.ExportAudit a
where a.id = %(audit)s and a.action in ('retry', 'set_aside', 'ignore', 'reopen')

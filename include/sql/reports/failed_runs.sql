-- Reads why task runs failed: the last message of each.
select distinct on (dag_id, run_id, task_id) dag_id, run_id, task_id, message
from crm_export.ExportRuns
where run_id = any (%(run_ids)s) and outcome = 'failed' and message is not null
order by dag_id, run_id, task_id, id desc

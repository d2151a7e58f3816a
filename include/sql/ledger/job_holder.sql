-- Reads which run sent a Bulk job, and since when that run has been working on the stream.
select r.dag_id, r.run_id, to_char(min(a.started_at) at time zone 'UTC', 'YYYY-MM-DD HH24:MI') as since
from crm_export.ExportBatches b
join crm_export.ExportRuns r on r.id = b.run
join crm_export.ExportRuns a on a.stream = r.stream and a.dag_id = r.dag_id and a.run_id = r.run_id
where b.stream = %(stream)s and b.job_id = %(job)s
group by r.dag_id, r.run_id

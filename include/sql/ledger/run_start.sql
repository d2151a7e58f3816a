-- Opens the line of a run, and closes those of earlier runs of the stream that were killed: we hold the lease.
with killed as (
    update crm_export.ExportRuns
    set outcome = 'failed', ended_at = clock_timestamp(),
        message = 'The process ended without a word. What it had not settled was left to the next run.'
    where stream = %(stream)s and outcome = 'running'
)
insert into crm_export.ExportRuns (stream, kind, dag_id, run_id, task_id, try_number, paused_on_errors)
values (%(stream)s, %(kind)s, %(dag_id)s, %(run_id)s, %(task_id)s, %(try_number)s, %(paused)s)
returning id

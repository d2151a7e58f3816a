-- Opens the line of a run, and closes those of earlier runs of the stream that were killed: we hold the lease.
with killed as (
    update crm_export.ExportRuns
    set outcome = 'failed', ended_at = clock_timestamp(),
        message = case
            when pg_postmaster_start_time() > started_at
            then format('Postgres was restarted at %%s UTC, during this run.',
                        to_char(pg_postmaster_start_time() at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS'))
            else 'The process ended without reporting why: it was killed, or lost its worker or its connection to Postgres.'
        end || ' The log of the task may name the cause. What it had not settled was left to the next run.'
    where stream = %(stream)s and outcome = 'running'
)
insert into crm_export.ExportRuns (stream, kind, dag_id, run_id, task_id, try_number, paused_on_errors)
values (%(stream)s, %(kind)s, %(dag_id)s, %(run_id)s, %(task_id)s, %(try_number)s, %(paused)s)
returning id

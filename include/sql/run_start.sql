-- Opens the line of a run.
insert into crm_export.ExportRuns (stream, kind, dag_id, run_id, task_id, try_number, paused_on_errors)
values (%(stream)s, %(kind)s, %(dag_id)s, %(run_id)s, %(task_id)s, %(try_number)s, %(paused)s)
returning id

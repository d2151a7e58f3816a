-- Runs of twenty streams every five minutes up to now: exports, each twentieth a re-export; some failed, some were held.
insert into crm_export.ExportRuns (
    stream, kind, dag_id, run_id, task_id, try_number, paused_on_errors, started_at, ended_at, rows_changed, rows_sent,
    accepted, refused, api_calls, bytes_sent, rows_waiting, oldest_change_at, outcome, message)
select 'stream_' || lpad((n %% 20)::text, 2, '0'),
       case when n / 20 %% 20 = 7 then 'reexport' else 'export' end, 'CRMExport', 'scheduled__' || n / 20,
       'stream_' || lpad((n %% 20)::text, 2, '0') || '.export_changes', 1, true, r.at, r.at + interval '3 seconds',
       n %% 500, n %% 500, n %% 490, n %% 10, 1 + n %% 7, n %% 100000,
       case when n %% 97 = 0 then n %% 1000 end, r.at - interval '2 minutes',
       case when n %% 97 = 0 then 'held' when n %% 331 = 0 then 'failed' else 'complete' end,
       'Exported ' || n %% 490 || ' records.'
from generate_series(1, %(runs)s::int) n,
     lateral (select now() - (%(runs)s - n) / 20 * interval '5 minutes' as at) r

"""
# CRMExport

Exports changed rows from Postgres to Salesforce, stream by stream, parents before children. Streams whose files name a
`group` run in the DAG `CRMExport_<group>`; `CRMExport` exports the rest.

Each stream is a group of two tasks:

1. **export_changes** sends the rows that changed since the watermark, oldest first. It is skipped while another run is
   exporting the stream or one of its parents.
2. **pause_on_export_errors** fails while the stream is paused at a record that Salesforce rejected. Nothing needs to be
   cleared: every run retries that record and continues from it once it is accepted. Its log says what to do. When it
   succeeds, its asset event reports how far Salesforce is complete.

To retry a held record at once, clear `export_changes` of its stream with *Downstream*. To see whether Salesforce
accepts a record, trigger this DAG with `try_record` set to `stream:key`; the watermark and the export errors do not
change. The CRM Export page shows the request and the answer.
"""

from __future__ import annotations

from airflow.sdk import DAG, Param, TaskGroup

from crm_export.alerts.operator import end_with_alerts
from crm_export.operators.base import task_for
from crm_export.operators.dag_layout import choose_streams, export_dag_id, find_active_runs, find_schedule
from crm_export.operators.export import ExportChangesOperator
from crm_export.operators.gate import PauseOnExportErrorsSensor
from crm_export.operators.preparation import PrepareSchemaOperator
from include.export.streams import divide_by_group, load_streams

for name, streams in divide_by_group(load_streams()).items():
    with DAG(
        dag_id=export_dag_id(name),
        doc_md=__doc__,
        schedule=find_schedule(streams),
        catchup=False,
        max_active_runs=find_active_runs(),
        max_consecutive_failed_dag_runs=0,  # a held stream must keep its schedule
        params={
            "try_record": Param(None, type=["null", "string"], description="Try a single record: stream:key"),
            "resend": Param(
                None,
                type=["null", "string", "object"],
                description='Send again: a stream, or {"stream": …, "from": …, "to": …}, or {"stream": …, "key": …}',
            ),
        },
        tags=["crm_export"],
    ) as dag:
        prepare_schema = PrepareSchemaOperator(task_id="prepare_schema", streams=streams)
        groups: dict[str, TaskGroup] = {}
        for stream in choose_streams(streams):
            with TaskGroup(group_id=stream.name) as group:
                # a child waits for its parents to end, not to succeed
                rule = "all_done" if stream.after else "all_success"
                export_changes = task_for(stream, ExportChangesOperator, task_id="export_changes", trigger_rule=rule)
                gate = task_for(
                    stream, PauseOnExportErrorsSensor, task_id="pause_on_export_errors", trigger_rule="none_failed"
                )
                export_changes >> gate
            for parent in set(stream.after) & set(groups):
                groups[parent] >> group
            if not stream.after:
                prepare_schema >> group
            groups[stream.name] = group
        end_with_alerts(dag, streams)

"""
# CRMExport

Exports what changed in Postgres to Salesforce, stream by stream, parents before children.

Each stream is a group of three tasks:

1. **export_changes** sends the rows that changed since the watermark, oldest first.
2. **pause_on_export_errors** fails while the stream is stopped at a record that Salesforce refused. Nothing needs to be
   cleared: every run tries that record again and goes on from it once it is accepted. Its message says what to do.
3. **publish_watermark** tells the stream's asset how far Salesforce is complete.

To try a held record at once, clear `export_changes` of its group with *Downstream*. To see what is sent for one record
and what Salesforce answers, trigger this DAG with `try_record` set to `stream:key`; neither the watermark nor the
export errors change then.
"""

from __future__ import annotations

import os

from airflow.sdk import DAG, Param, TaskGroup

from crm_export.export_operator import task_for
from crm_export.operators import ExportChangesOperator, PrepareSchemaOperator, PublishWatermarkOperator
from crm_export.sensors import PauseOnExportErrorsSensor
from include.export.streams import load_streams

with DAG(
    dag_id="CRMExport",
    doc_md=__doc__,
    schedule=os.environ.get("CRM_EXPORT_SCHEDULE", "@hourly"),
    catchup=False,
    max_active_runs=1,
    max_consecutive_failed_dag_runs=0,  # a held stream must keep its schedule
    params={
        "try_record": Param(None, type=["null", "string"], description="Try one record only: stream:key"),
        "trial": Param(None, type=["null", "integer"], description="Set by the page: it alone shows what was sent"),
        "action": Param(
            None, type=["null", "integer"], description="Set by the page: the action that asked for this run"
        ),
    },
    tags=["crm_export"],
):
    prepare_schema = PrepareSchemaOperator(task_id="prepare_schema")
    groups: dict[str, TaskGroup] = {}
    for stream in load_streams():
        with TaskGroup(group_id=stream.name) as group:
            # a child waits for its parents to end, not to succeed
            rule = "all_done" if stream.after else "all_success"
            export_changes = task_for(stream, ExportChangesOperator, task_id="export_changes", trigger_rule=rule)
            gate = task_for(stream, PauseOnExportErrorsSensor, task_id="pause_on_export_errors")
            export_changes >> gate >> task_for(stream, PublishWatermarkOperator, task_id="publish_watermark")
        for parent in stream.after:
            groups[parent] >> group
        if not stream.after:
            prepare_schema >> group
        groups[stream.name] = group

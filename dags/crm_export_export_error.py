"""
# CRMExport_ExportError

Sends the records of `crm_export.ExportErrors` to Salesforce again every day, with the current values of their source
rows. No action is needed: an accepted record is resolved, and one that is still rejected is retried after 1, 2, 4 and
then every 7 days. Records that wait for their parent are sent after it, and records above the watermark are left to
CRMExport.

To retry all of them now, trigger this DAG with `every` set to true.
"""

from __future__ import annotations

import os

from airflow.sdk import DAG, BaseOperator, Param

from crm_export.alerts.operator import end_with_alerts
from crm_export.operators.base import task_for
from crm_export.operators.dag_layout import choose_streams
from crm_export.operators.export import ReexportErrorsOperator
from crm_export.operators.preparation import PrepareSchemaOperator
from include.export.streams import load_streams

with DAG(
    dag_id="CRMExport_ExportError",
    doc_md=__doc__,
    schedule=os.environ.get("CRM_EXPORT_ERROR_SCHEDULE", "@daily"),
    catchup=False,
    max_active_runs=1,
    max_consecutive_failed_dag_runs=0,
    params={"every": Param(False, type="boolean", description="Include errors that are not due yet")},
    tags=["crm_export"],
) as dag:
    streams = load_streams()
    prepare_schema = PrepareSchemaOperator(task_id="prepare_schema", streams=streams)
    tasks: dict[str, BaseOperator] = {}
    for stream in choose_streams(streams):
        rule = "all_done" if stream.after else "all_success"
        tasks[stream.name] = task_for(stream, ReexportErrorsOperator, task_id=stream.name, trigger_rule=rule)
        for parent in set(stream.after) & set(tasks):
            tasks[parent] >> tasks[stream.name]
        if not stream.after:
            prepare_schema >> tasks[stream.name]
    end_with_alerts(dag, streams)

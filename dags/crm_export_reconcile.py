"""
# CRMExport_Reconcile

Checks every day for what CRMExport cannot see, because it reads only what changed after its watermark.

For each stream, parents before children:

1. **export_late_rows** finds rows that arrived *below* the watermark (back-dated updates, applications with slow
   clocks, restored tables), exports them by their keys and counts them. It also detects failovers: a standby that was
   promoted without the newest transactions, or a restored backup. The records that Salesforce received from the lost
   transactions are then sent again with their current values.
2. **report_orphans** reports Salesforce records that have no row in the source. It changes nothing.
3. **report_drift** reports changes of the org that the stream does not follow: a field that is removed, shortened, of
   another type or newly required, a picklist value, a right, an external id. It costs one API call.

Then the checks in the folder `checks` next to the stream files run: sums that must add up to a total, such as the
attribution of an opportunity.

Findings are in `crm_export.ExportFindings`; the counts are in each task's log and return value. A finding is closed
when a later run no longer finds it.
"""

from __future__ import annotations

import os

from airflow.sdk import DAG, BaseOperator, TaskGroup

from crm_export.alerts.operator import end_with_alerts
from crm_export.operators.base import find_last_tasks, task_for
from crm_export.operators.dag_layout import choose_streams
from crm_export.operators.preparation import PrepareSchemaOperator
from crm_export.operators.reconcile import (
    ExportLateRowsOperator,
    ReportDriftOperator,
    ReportOrphansOperator,
    task_for_check,
)
from crm_export.operators.retention import PurgeHistoryOperator
from include.export.reconcile import load_checks
from include.export.streams import load_streams

with DAG(
    dag_id="CRMExport_Reconcile",
    doc_md=__doc__,
    schedule=os.environ.get("CRM_EXPORT_RECONCILE_SCHEDULE", "30 3 * * *"),
    catchup=False,
    max_active_runs=1,
    max_consecutive_failed_dag_runs=0,
    tags=["crm_export"],
) as dag:
    streams = load_streams()
    prepare_schema: BaseOperator = PrepareSchemaOperator(task_id="prepare_schema", streams=streams)
    late_rows: dict[str, BaseOperator] = {}
    for stream in choose_streams(streams):
        with TaskGroup(group_id=stream.name):
            # a child waits for its parents to end, not to succeed
            rule = "all_done" if stream.after else "all_success"
            late_rows[stream.name] = task_for(
                stream, ExportLateRowsOperator, task_id="export_late_rows", trigger_rule=rule
            )
            orphans = task_for(stream, ReportOrphansOperator, task_id="report_orphans", trigger_rule="all_done")
            drift = task_for(stream, ReportDriftOperator, task_id="report_drift", trigger_rule="all_done")
            late_rows[stream.name] >> [orphans, drift]
        for parent in set(stream.after) & set(late_rows):
            late_rows[parent] >> late_rows[stream.name]
        if not stream.after:
            prepare_schema >> late_rows[stream.name]
    for check in load_checks():
        upstream = late_rows.get(getattr(check, "stream", ""), prepare_schema)
        rule = "all_success" if upstream is prepare_schema else "all_done"
        upstream >> task_for_check(check, streams, task_id=f"check_{check.name}", trigger_rule=rule)
    checked = find_last_tasks(dag)
    PurgeHistoryOperator(task_id="purge_history", streams=streams, trigger_rule="all_done").set_upstream(checked)
    end_with_alerts(dag, streams)

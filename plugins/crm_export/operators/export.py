"""The operators of CRM Export: they open the connections, call the core, and return its counts."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException, TaskDeferralTimeout

from crm_export.connections import open_inputs
from crm_export.lineage import LineageFacts, describe_lineage
from crm_export.metrics import count_amounts, count_run
from crm_export.operators.base import ExportOperator
from crm_export.operators.requests import asked_action, identify_run
from crm_export.operators.triggers import (
    GRACE_SECONDS,
    LONGEST_WAIT_SECONDS,
    JobOverTrigger,
    is_triggerer_running,
)
from crm_export.settings import read_options
from include.export.ledger import ExportAudit, Outcome
from include.export.streams import Stream
from include.export.tasks import ExportReport, export_stream, reexport_errors

LEFT_TO_ANOTHER_RUN = "left_to_another_run"  # XCom of a skipped export, read by its child streams
JOB_PATIENCE = 60.0  # seconds that a worker waits for a Bulk job before it leaves that to the triggerer


class ExportChangesOperator(ExportOperator):
    """Exports what changed in the source of a stream since its watermark.

    It is skipped while another run exports the stream or one of its parents. When a Bulk job takes longer than
    `job_patience` seconds, the triggerer waits for it, if one is running; `deferrable` True or False overrides that.
    The next attempt on any worker settles the job, even after one has died.
    """

    ui_color = "#cfe8ff"

    def __init__(
        self, *, stream: Stream, deferrable: bool | None = None, job_patience: float = JOB_PATIENCE, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.stream, self.deferrable, self.job_patience = stream, deferrable, job_patience
        self._lineage: LineageFacts | None = None

    def perform(self, context: Context) -> dict[str, Any]:
        """Export and return counts; raises AirflowSkipException while another run is exporting."""
        self._skip_behind_skipped_parents(context)
        patience = None if self.deferrable is False else self.job_patience
        report = self._export(context, patience)
        if report.job_id is not None and not self._can_defer():
            report = self._export(context, None)
        self.log.info("%s: %s", self.stream.name, report.message)
        if report.outcome is Outcome.ALREADY_RUNNING:
            self._skip(report.message, context)
        if report.job_id is not None:
            self._leave_to_triggerer(report.job_id)
        return report.as_dict()

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Continue after the wait, even if no triggerer ended it in time."""
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except TaskDeferralTimeout:
            self.log.warning("No triggerer checked the Bulk job in time; the task continues on its own.")
            return self.go_on(context)

    def go_on(self, context: Context, event: Any = None) -> Any:
        """Settle the job and export the remaining rows."""
        return self.execute(context)

    def _export(self, context: Context, patience: float | None) -> ExportReport:
        options = replace(read_options(), job_patience=patience)
        began = time.monotonic()
        with open_inputs(self.stream, options, identify_run(context)) as inputs:
            report = export_stream(inputs)
            self._lineage = LineageFacts.of(inputs, report.accepted)
        count_run(self.stream.name, count_amounts(report), time.monotonic() - began)
        return report

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """Return the lineage for OpenLineage; None for a task that exported nothing."""
        return describe_lineage(self.stream, self._lineage) if self._lineage else None

    def _can_defer(self) -> bool:
        return is_triggerer_running() if self.deferrable is None else self.deferrable

    def _leave_to_triggerer(self, job_id: str) -> None:
        """Defer until the job has finished, at most for job_timeout, after which the task aborts it.

        Airflow's own timeout is later; it covers a dead triggerer.
        """
        longest_wait = min(LONGEST_WAIT_SECONDS, self.stream.job_timeout.total_seconds())
        trigger = JobOverTrigger(job_id, max(self.job_patience / 3, 1.0), longest_wait, self.stream.salesforce)
        self.defer(trigger=trigger, method_name="go_on", timeout=timedelta(seconds=longest_wait + GRACE_SECONDS))

    def _skip_behind_skipped_parents(self, context: Context) -> None:
        """Skip when a parent was skipped in this run: another run sends its rows, which may not be there yet."""
        for parent in self.stream.after:
            message = context["ti"].xcom_pull(task_ids=f"{parent}.export_changes", key=LEFT_TO_ANOTHER_RUN)
            if message:
                self._skip(f"The parent stream {parent} was skipped: {message}", context)

    def _skip(self, message: str, context: Context) -> None:
        context["ti"].xcom_push(key=LEFT_TO_ANOTHER_RUN, value=message)
        raise AirflowSkipException(message)


class ReexportErrorsOperator(ExportOperator):
    """Sends the due records of ExportErrors again, with the current values of their source rows."""

    ui_color = "#ffe8cc"

    def __init__(self, *, stream: Stream, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stream = stream

    def perform(self, context: Context) -> dict[str, Any]:
        """Send again and return counts; a record that is rejected again does not fail the task."""
        options, action = read_options(), asked_action(context)
        identity = identify_run(context)
        with open_inputs(self.stream, options, identity) as inputs:
            only = None
            if action is not None:
                only = ExportAudit(inputs.connection).errors_to_retry(action, identity.dag_id, self.stream.name)
                if not only:
                    raise AirflowSkipException(f"Action {action} of the page selects no record of this stream.")
            report = reexport_errors(inputs, every=bool(context["params"].get("every", False)), only=only)
        self.log.info("%s: %s", self.stream.name, report.message)
        return report.as_dict()

"""The operators of CRM Export: they open the connections, call the core, and return its counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from airflow.sdk import Context
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowSkipException

from crm_export.connections import make_salesforce_client, open_postgres
from crm_export.export_operator import ExportOperator
from crm_export.requests import asked_action, identify_run
from crm_export.settings import read_options
from crm_export.triggers import JobOverTrigger
from include.export.ledger import ExportAudit
from include.export.run import RunInputs
from include.export.salesforce import Catalogue
from include.export.streams import Stream
from include.export.tasks import export_stream, reexport_errors

JOB_PATIENCE = 60.0  # seconds that a worker waits for a Bulk job before the triggerer does


class ExportChangesOperator(ExportOperator):
    """Exports what changed in the source of a stream since its watermark.

    With `deferrable` (Airflow's default_deferrable) a Bulk job that takes longer than `job_patience` seconds is waited
    for by the triggerer. Whoever comes next settles it: it does not matter which worker goes on, or whether one died.
    """

    ui_color = "#cfe8ff"

    def __init__(
        self, *, stream: Stream, deferrable: bool | None = None, job_patience: float = JOB_PATIENCE, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.stream, self.job_patience = stream, job_patience
        usual = conf.getboolean("operators", "default_deferrable", fallback=False)
        self.deferrable = usual if deferrable is None else deferrable

    def perform(self, context: Context) -> dict[str, Any]:
        """Export and return counts."""
        options = replace(read_options(), job_patience=self.job_patience if self.deferrable else None)
        with open_postgres() as connection:
            inputs = RunInputs(
                self.stream, connection, make_salesforce_client(), Catalogue.load(), options, identify_run(context)
            )
            report = export_stream(inputs)
        self.log.info("%s: %s", self.stream.name, report.message)
        if report.job_id is not None:
            self.defer(trigger=self._job_over(report.job_id), method_name="go_on")
        return report.as_dict()

    def _job_over(self, job_id: str) -> JobOverTrigger:
        return JobOverTrigger(job_id, poll_seconds=max(self.job_patience / 3, 1.0))

    def go_on(self, context: Context, event: Any = None) -> Any:
        """Settle the job that was waited for and export what is left."""
        return self.execute(context)


class ReexportErrorsOperator(ExportOperator):
    """Sends the records of ExportErrors again that are due, with the values their source rows have today."""

    ui_color = "#ffe8cc"

    def __init__(self, *, stream: Stream, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stream = stream

    def perform(self, context: Context) -> dict[str, Any]:
        """Send again and return counts; records that are still refused are no failure."""
        options, action = read_options(), asked_action(context)
        identity = identify_run(context)
        with open_postgres() as connection:
            only = None
            if action is not None:
                only = ExportAudit(connection).errors_to_retry(action, identity.dag_id, self.stream.name)
                if not only:
                    raise AirflowSkipException(f"Action {action} of the page asks for no record of this stream.")
            inputs = RunInputs(self.stream, connection, make_salesforce_client(), Catalogue.load(), options, identity)
            report = reexport_errors(inputs, every=bool(context["params"].get("every", False)), only=only)
        self.log.info("%s: %s", self.stream.name, report.message)
        return report.as_dict()

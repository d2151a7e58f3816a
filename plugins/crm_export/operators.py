"""The operators of CRM Export: they open the connections, call the core, and return its counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from airflow.sdk import Context, SkipMixin
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowSkipException

from crm_export.connections import connect_postgres, make_salesforce_client, open_postgres
from crm_export.export_operator import ExportOperator
from crm_export.requests import TrialRequest, asked_action, asked_trial, check_trial, identify_run
from crm_export.settings import read_options
from crm_export.triggers import JobOverTrigger
from include.export.failures import ConfigurationFailure, RunFailure
from include.export.ledger import ExportAudit, ExportTrials, install_schema
from include.export.run import RunInputs
from include.export.salesforce import Catalogue
from include.export.streams import Stream
from include.export.tasks import export_stream, reexport_errors, try_record

_WHERE_VALUES_ARE = "on the page CRM Export (Try this record) or by `python -m crm_export.trial STREAM KEY`"
JOB_PATIENCE = 60.0  # seconds that a worker waits for a Bulk job before the triggerer does


class PrepareSchemaOperator(ExportOperator, SkipMixin):
    """Installs the schema crm_export and brings it up to date, and judges what the run is asked for.

    It is a setup task: when it fails or is skipped, no task of the DAG runs, whatever its trigger rule. In a run that
    only tries a record every task but those of its stream is skipped.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.is_setup = True

    def perform(self, context: Context) -> str:
        """Install what is missing and return a sentence; fails for a request that no task could fulfil."""
        with open_postgres() as connection:
            installed = install_schema(connection)
            ExportTrials(connection).expire()
            try:
                asked_action(context)
                trial = asked_trial(context)
                if trial:
                    check_trial(trial, connection)
            except ConfigurationFailure as failure:
                self.fail(str(failure))
        if trial:
            self._skip_other_streams(trial, context)
        return installed

    def _skip_other_streams(self, trial: TrialRequest, context: Context) -> None:
        tasks = context["dag"].tasks
        streams = sorted(task.task_id.partition(".")[0] for task in tasks if task.task_id.endswith(".export_changes"))
        if trial.stream not in streams:
            self.fail(f"try_record: this DAG has no stream {trial.stream}. Its streams: {', '.join(streams)}.")
        others = [task for task in tasks if task.task_id.partition(".")[0] in {*streams} - {trial.stream}]
        self.skip(context["ti"], others)


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
        """Export, or try the one record that the run asks for; returns counts."""
        options, trial = read_options(), asked_trial(context)
        options = replace(options, job_patience=self.job_patience if self.deferrable else None)
        if trial and trial.stream != self.stream.name:
            raise AirflowSkipException(f"This run only tries a record of stream {trial.stream}.")
        with open_postgres() as connection:
            inputs = RunInputs(
                self.stream,
                connection,
                make_salesforce_client(),
                Catalogue.load(),
                options,
                identify_run(context),
                connect=connect_postgres,
            )
            if trial:
                return self._try(trial, inputs)
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

    def _try(self, trial: TrialRequest, inputs: RunInputs) -> dict[str, Any]:
        """Try a record; its values go only to the person at the page who asked for it, never to the log."""
        trials = ExportTrials(inputs.connection)
        check_trial(trial, inputs.connection)
        try:
            outcome = try_record(inputs, trial.key)
        except RunFailure as failure:
            if trial.page is not None:
                trials.fail(trial.page, str(failure))
            self.fail(str(failure))
        if trial.page is not None:
            trials.end(trial.page, outcome)
        self.log.info("Tried key=%s: %s", trial.key, outcome.message)
        self.log.info("The request and the answer hold the record's values: see them %s.", _WHERE_VALUES_ARE)
        return {"tried": f"{trial.stream}:{trial.key}", "accepted": outcome.accepted}


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
            inputs = RunInputs(
                self.stream,
                connection,
                make_salesforce_client(),
                Catalogue.load(),
                options,
                identity,
                connect=connect_postgres,
            )
            report = reexport_errors(inputs, every=bool(context["params"].get("every", False)), only=only)
        self.log.info("%s: %s", self.stream.name, report.message)
        return report.as_dict()

"""The first task of each DAG: it installs the schema and handles the trial or resend that a run was started with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.sdk import Context, SkipMixin

from crm_export.connections import find_databases, open_inputs, open_postgres
from crm_export.operators.base import ExportOperator
from crm_export.operators.requests import (
    ResendRequest,
    TrialRequest,
    asked_action,
    asked_resend,
    asked_trial,
    check_trial,
    identify_run,
)
from crm_export.settings import read_options
from include.export.failures import ConfigurationFailure, RunFailure
from include.export.ledger import ExportResends, ExportTrials, Trial, install_schema
from include.export.reports import preview_resend
from include.export.streams import BrokenStream, Stream, find_stream
from include.export.tasks import try_record

_WHERE_VALUES_ARE = (
    "The request and the answer contain the record's values and are not logged. See them on the page CRM Export (Try "
    "this record) or with `python -m crm_export try STREAM KEY`."
)


class PrepareSchemaOperator(ExportOperator, SkipMixin):
    """Installs the schema crm_export and brings it up to date.

    In a run that only tries a record, it tries the record and skips all other tasks. It is a setup task: when it fails
    or is skipped, no other task of the DAG runs, whatever its trigger rule.
    """

    def __init__(self, *, streams: Sequence[Stream | BrokenStream] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.is_setup = True
        self.databases = find_databases(streams)

    def perform(self, context: Context) -> str:
        """Install what is missing and return a summary; fails without retries for a request that cannot be met."""
        installed = self._install_everywhere()
        try:
            trial = self._read_requests(context)
        except RunFailure as failure:
            self.fail(str(failure))
        if trial:
            self._answer(trial, context)
            self.skip(context["ti"], [task for task in context["dag"].tasks if task.task_id != self.task_id])
        return " ".join(installed)

    def _install_everywhere(self) -> list[str]:
        """Install the schema in each database; one that fails does not stop the streams of the others.

        The tasks of its own streams fail. Raises RunFailure when no database could be prepared.
        """
        installed, failures = [], []
        for database in self.databases:
            try:
                installed.append(self._install(database))
            except RunFailure as failure:
                self.log.warning("The streams of connection %s cannot run: %s", database, failure)
                failures.append(failure)
        if failures and not installed:
            raise failures[0]
        return installed

    def _install(self, database: str) -> str:
        with open_postgres(database) as connection:
            installed = install_schema(connection)
            ExportTrials(connection).expire()
        return installed

    def _read_requests(self, context: Context) -> TrialRequest | None:
        """Return the record to try, and record a requested resend; raises ConfigurationFailure."""
        asked_action(context)
        resend, trial = asked_resend(context), asked_trial(context)
        if trial and trial.page is not None:
            with open_postgres() as connection:  # the page's own
                check_trial(trial, connection)
        if resend:
            ask_resend(resend, str(context["dag_run"].run_id))
        return trial

    def _answer(self, asked: TrialRequest, context: Context) -> None:
        try:
            trial = _try(asked, context)
        except RunFailure as failure:
            _note_trial(asked, str(failure))
            self.fail(str(failure))
        _note_trial(asked, trial)
        self.log.info("Tried key=%s of stream %s: %s", asked.key, asked.stream, trial.message)
        self.log.info("%s", _WHERE_VALUES_ARE)


def _note_trial(asked: TrialRequest, outcome: Trial | str) -> None:
    """Record the outcome of a trial that the page requested, or why it failed."""
    if asked.page is None:
        return
    with open_postgres() as connection:
        trials = ExportTrials(connection)
        if isinstance(outcome, str):
            trials.fail(asked.page, outcome)
        else:
            trials.end(asked.page, outcome)


def ask_resend(asked: ResendRequest, run_id: str) -> None:
    """Request a resend; a repeated run does not request it twice."""
    stream = find_stream(asked.stream)
    with open_postgres(stream.postgres) as connection:
        if asked.key is not None and preview_resend(stream, connection, keys=[asked.key]).missing:
            raise ConfigurationFailure(f"The param resend: no exported row of {stream.name} has the key {asked.key}.")
        ExportResends(connection).ask(
            stream.name, asked_by=run_id, reason="the param resend", key=asked.key, from_at=asked.from_at,
            to_at=asked.to_at, once=True,
        )  # fmt: skip


def _try(asked: TrialRequest, context: Context) -> Trial:
    with open_inputs(find_stream(asked.stream), read_options(), identify_run(context)) as inputs:
        return try_record(inputs, asked.key)

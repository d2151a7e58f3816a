"""The first task of each DAG: it installs the schema and answers what a run is asked for besides its usual work."""

from __future__ import annotations

from typing import Any

import psycopg
from airflow.sdk import Context, SkipMixin

from crm_export.connections import open_postgres
from crm_export.export_operator import ExportOperator
from crm_export.requests import TrialRequest, asked_action, asked_trial, check_trial, identify_run
from crm_export.run_inputs import open_inputs
from crm_export.settings import read_options
from include.export.failures import ConfigurationFailure, RunFailure
from include.export.ledger import ExportTrials, Trial, install_schema
from include.export.streams import find_stream
from include.export.tasks import try_record

_WHERE_VALUES_ARE = (
    "The request and the answer hold the record's values and are not logged. See them on the page CRM Export (Try this "
    "record) or by `python -m crm_export.trial STREAM KEY`."
)


class PrepareSchemaOperator(ExportOperator, SkipMixin):
    """Installs the schema crm_export and brings it up to date.

    In a run that only tries a record it tries the record, and every task behind it is skipped. It is a setup task: when
    it fails or is skipped no task of the DAG runs, whatever its trigger rule.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.is_setup = True

    def perform(self, context: Context) -> str:
        """Install what is missing and return a sentence; fails once for a request that cannot be fulfilled."""
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
                self._answer(trial, context, connection)
        if trial:
            self.skip(context["ti"], [task for task in context["dag"].tasks if task.task_id != self.task_id])
        return installed

    def _answer(self, asked: TrialRequest, context: Context, connection: psycopg.Connection) -> None:
        trials = ExportTrials(connection)
        try:
            trial = _try(asked, context)
        except RunFailure as failure:
            if asked.page is not None:
                trials.fail(asked.page, str(failure))
            self.fail(str(failure))
        if asked.page is not None:
            trials.end(asked.page, trial)
        self.log.info("Tried key=%s of stream %s: %s", asked.key, asked.stream, trial.message)
        self.log.info("%s", _WHERE_VALUES_ARE)


def _try(asked: TrialRequest, context: Context) -> Trial:
    with open_inputs(find_stream(asked.stream), read_options(), identify_run(context)) as inputs:
        return try_record(inputs, asked.key)

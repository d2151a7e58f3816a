"""What all tasks of CRM Export share: how they end, when they are retried, and the check of export_to_crm."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from airflow.sdk import DAG, Asset, BaseOperator, Context
from airflow.sdk.exceptions import AirflowRescheduleException, AirflowSkipException

from crm_export.operators.retries import RETRIES, RETRY_DELAY, ReportedFailure, RunFailureRetryPolicy
from crm_export.settings import read_export_to_crm
from include.export.reconcile import BrokenCheck
from include.export.streams import BrokenStream, Stream

POOL_VARIABLE = "CRM_EXPORT_POOL"  # names an existing pool: Airflow never starts a task in a missing one
RESTART_DELAY = timedelta(seconds=30)  # Airflow may treat a task that returns within seconds as lost


def choose_pool() -> str:
    """Return the pool of the tasks: that of the environment variable CRM_EXPORT_POOL, else Airflow's default."""
    return os.environ.get(POOL_VARIABLE) or "default_pool"


def find_last_tasks(dag: DAG) -> list[BaseOperator]:
    """Return the tasks that nothing follows, without the setup task: a worker builds only the stream of its task."""
    return [task for task in dag.leaves if isinstance(task, BaseOperator) and not task.is_setup]


class ExitsOnSigterm:
    """Ends a task at once. Airflow 3 only calls `on_kill` at SIGTERM and lets `execute` run on until SIGKILL."""

    def on_kill(self) -> None:
        """Stop `execute` where it is and close what it has opened."""
        raise SystemExit("Airflow asked this task to end. Its next attempt settles what is unsettled.")


class ExportOperator(ExitsOnSigterm, BaseOperator):
    """The base of every task: skips while export_to_crm is off and retries transient failures.

    A task that was asked to end (a restarted worker, a removed pod) is rescheduled without using up a retry.
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("pool", choose_pool())
        super().__init__(retries=RETRIES, retry_delay=RETRY_DELAY, retry_policy=RunFailureRetryPolicy(), **kwargs)

    def execute(self, context: Context) -> Any:
        """Do the work of the task and return its counts; raises AirflowSkipException while export_to_crm is off."""
        if not read_export_to_crm():
            raise AirflowSkipException("export_to_crm is off: nothing is sent, nothing is deleted.")
        try:
            return self.perform(context)
        except ReportedFailure:
            raise
        except SystemExit as ended:
            self.log.warning("%s", ended)
            again = AirflowRescheduleException(datetime.now(UTC) + RESTART_DELAY)  # type: ignore[no-untyped-call] # Airflow's own is not typed
            raise again from None

    @abstractmethod
    def perform(self, context: Context) -> Any:
        """Do the work of the task and return its counts."""

    def fail(self, *lines: str) -> NoReturn:
        """Log the lines and fail the task, without retries and without a traceback."""
        for line in lines:
            self.log.error("%s", line)
        raise ReportedFailure(lines[0])


class BrokenFileOperator(ExportOperator):
    """Fails with the mistake in a file, so that one broken file does not hide the others."""

    ui_color = "#ffc9c9"

    def __init__(self, *, message: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.message = message

    def perform(self, context: Context) -> None:
        """Fail with the message."""
        self.fail(self.message)


def task_for(
    stream: Stream | BrokenStream | BrokenCheck, operator: Callable[..., BaseOperator], **kwargs: Any
) -> BaseOperator:
    """Return the operator's task for a stream, or one that fails with the mistake in the stream's file."""
    if isinstance(stream, Stream):
        return operator(stream=stream, **kwargs)
    return BrokenFileOperator(message=stream.message, **kwargs)


def asset_of(stream_name: str) -> Asset:
    """Return the asset whose events hold how far a stream is complete in Salesforce."""
    return Asset(name=f"crm_export_{stream_name}", uri=f"x-crm-export://salesforce/{stream_name}")

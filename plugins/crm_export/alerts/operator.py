"""The last task of each DAG: it sends the alerts not sent yet, and cannot turn a failed run green."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
import requests
from airflow.sdk import DAG, Context

from crm_export.alerts.delivery import TIMEOUT_SECONDS, deliver_message
from crm_export.connections import POSTGRES, find_databases, open_postgres
from crm_export.metrics import report_gauges
from crm_export.operators.base import ExportOperator, find_last_tasks
from crm_export.page_address import link_page
from crm_export.settings import read_lag_hours
from include.export.alerts import AlertSender, AlertsFile, AlertWatch, load_alerts_file
from include.export.failures import RunFailure
from include.export.ledger import ExportAlerts
from include.export.reports import read_stream_health
from include.export.salesforce import load_catalogue
from include.export.streams import BrokenStream, Stream, find_children

log = logging.getLogger(__name__)
FAILED = frozenset({"failed", "upstream_failed"})


class SendAlertsOperator(ExportOperator):
    """Sends alerts to the channels of alerts.yaml. As a teardown task it cannot fail the run.

    `streams` are those of the DAG.
    """

    ui_color = "#ffdeeb"

    def __init__(self, *, streams: Sequence[Stream | BrokenStream], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.streams = tuple(streams)

    def perform(self, context: Context) -> dict[str, int]:
        """Send alerts and return their number by channel; raises the first RunFailure once every database is tried."""
        file, sent, failures = _load_file(), Counter[str](), []
        for database in find_databases(self.streams):
            try:
                sent.update(self._send(database, file, context))
            except RunFailure as failure:
                failures.append(failure)
        _ping(file.ping)
        if failures:
            raise failures[0]
        return {name: sent[name] for name in file.channels}

    def _send(self, database: str, file: AlertsFile, context: Context) -> dict[str, int]:
        streams = [stream for stream in self.streams if isinstance(stream, Stream) and stream.postgres == database]
        page_url = link_page(context["ti"].log_url).rstrip("?")
        with open_postgres(database) as connection:
            note_failed_tasks(ExportAlerts(connection), context, self._find_owners(), database)
            _watch(connection, streams)
            sender = AlertSender(connection, file, load_catalogue(), page_url, deliver_message, self._children())
            return sender.send()

    def _find_owners(self) -> dict[str, str]:
        """Return the database of each stream; a broken stream file names none."""
        return {stream.name: stream.postgres for stream in self.streams if isinstance(stream, Stream)}

    def _children(self) -> Mapping[str, list[str]]:
        return {stream.name: find_children(stream.name, self.streams) for stream in self.streams}


def end_with_alerts(dag: DAG, streams: Sequence[Stream | BrokenStream]) -> None:
    """Add the task that sends alerts to the end of a DAG; as a teardown it does not affect the state of the run."""
    last = find_last_tasks(dag)
    SendAlertsOperator(task_id="send_alerts", streams=streams, dag=dag).as_teardown().set_upstream(last)


def _watch(connection: psycopg.Connection, streams: Sequence[Stream]) -> None:
    """Raise and clear the alerts that depend on time, and report the gauges of the streams."""
    watch = AlertWatch(connection, read_lag_hours())
    for stream in streams:
        try:
            watch.look(stream)
        except (RunFailure, psycopg.Error) as unreadable:
            log.warning("Alerts of stream %s were not checked: %s", stream.name, unreadable)
    for health in read_stream_health([stream.name for stream in streams], connection=connection):
        report_gauges(health.stream, health.gauges)


def note_failed_tasks(alerts: ExportAlerts, context: Context, owners: Mapping[str, str], database: str) -> None:
    """Raise an alert for each task of the run that failed without recording why; clear those of tasks that succeeded.

    A running export records its own failure in ExportRuns, and a failing gate has recorded a hold. `owners` are the
    databases of streams: an alert is written to that of the task's stream, or to the first for a task without one.
    """
    run = context["dag_run"]
    states = context["ti"].get_task_states(dag_id=run.dag_id, run_ids=[run.run_id]).get(run.run_id, {})
    first = min(owners.values(), default=POSTGRES)
    for task_id, state in states.items():
        if owners.get(task_id.partition(".")[0], first) != database:
            continue
        key = f"run_failed:task:{run.dag_id}:{task_id}"
        if state == "failed" and not alerts.explains_failure(task_id.partition(".")[0]):
            message = f"task {task_id} of {run.dag_id} failed; its log says why"
            stream = task_id.partition(".")[0] if "." in task_id else None
            alerts.raise_alert(
                key, "run_failed", severity="critical", stream=stream, subject=f"task:{task_id}", message=message
            )
        elif state == "success":
            alerts.clear(key)


def _load_file() -> AlertsFile:
    """Return the alerts file; for an invalid one, log a warning and return a file without channels."""
    try:
        return load_alerts_file()
    except RunFailure as wrong:
        log.warning("No alert is sent: %s", wrong)
        return AlertsFile()


def _ping(address: str | None) -> None:
    """Call the heartbeat address, whose service alerts when no run has ended for a long time."""
    if address is None:
        return
    try:
        requests.get(address, timeout=TIMEOUT_SECONDS)
    except requests.RequestException as unanswered:
        log.warning("The address of `ping` in alerts.yaml did not answer (%s).", type(unanswered).__name__)

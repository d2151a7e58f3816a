"""The task that ends each DAG: it sends what people have not been told, and cannot turn a failed run green."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
import requests
from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowSkipException

from crm_export.alerts.delivery import TIMEOUT_SECONDS, deliver_message
from crm_export.connections import open_postgres
from crm_export.export_operator import ExitsOnSigterm
from crm_export.page_address import link_page
from crm_export.settings import read_export_to_crm, read_lag_hours
from include.export.alerts import AlertSender, AlertsFile, AlertWatch, load_alerts_file
from include.export.failures import RunFailure
from include.export.ledger import ExportAlerts
from include.export.salesforce import Catalogue
from include.export.streams import BrokenStream, Stream

log = logging.getLogger(__name__)
FAILED = frozenset({"failed", "upstream_failed"})


class SendAlertsOperator(ExitsOnSigterm, BaseOperator):
    """Sends alerts to the channels of alerts.yaml. A teardown: its own failure fails no run.

    `streams` are those of the DAG.
    """

    ui_color = "#ffdeeb"

    def __init__(self, *, streams: Sequence[Stream | BrokenStream], **kwargs: Any) -> None:
        super().__init__(retries=0, **kwargs)
        self.streams = tuple(streams)

    def execute(self, context: Context) -> dict[str, int]:
        """Send and return the number of alerts by channel."""
        if not read_export_to_crm():
            raise AirflowSkipException("export_to_crm is off: no alerts are sent.")
        file = _load_file()
        with open_postgres() as connection:
            self._watch(connection, context)
            page_url = link_page(context["ti"].log_url).rstrip("?")
            sender = AlertSender(connection, file, Catalogue.load(), page_url, deliver_message, self._children())
            sent = sender.send()
        _ping(file.ping)
        return sent

    def _watch(self, connection: psycopg.Connection, context: Context) -> None:
        """Raise what no transaction of an export causes: tasks that failed before one, and what time brings about."""
        note_failed_tasks(ExportAlerts(connection), context)
        watch = AlertWatch(connection, read_lag_hours())
        for stream in self.streams:
            if isinstance(stream, Stream):
                try:
                    watch.look(stream)
                except (RunFailure, psycopg.Error) as unreadable:
                    log.warning("Stream %s was not looked at for alerts: %s", stream.name, unreadable)

    def _children(self) -> Mapping[str, list[str]]:
        return {
            stream.name: [child.name for child in self.streams if stream.name in child.after] for stream in self.streams
        }


def note_failed_tasks(alerts: ExportAlerts, context: Context) -> None:
    """Raise an alert for each task of the run that failed before it could write why, and clear those that did not.

    An export that has begun writes its own failure to ExportRuns; a gate's failure is the hold it has recorded.
    """
    run = context["dag_run"]
    states = context["ti"].get_task_states(dag_id=run.dag_id, run_ids=[run.run_id]).get(run.run_id, {})
    for task_id, state in states.items():
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
    """Return the alerts file; a wrong one is a warning and no channel, and exports go on."""
    try:
        return load_alerts_file()
    except RunFailure as wrong:
        log.warning("No alert is sent: %s", wrong)
        return AlertsFile()


def _ping(address: str | None) -> None:
    """Call the address that notices when no run has ended for long."""
    if address is None:
        return
    try:
        requests.get(address, timeout=TIMEOUT_SECONDS)
    except requests.RequestException as unanswered:
        log.warning("The address of `ping` in alerts.yaml did not answer (%s).", type(unanswered).__name__)

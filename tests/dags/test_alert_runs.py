"""Alerts in Airflow runs: what a real webhook gets when runs are held, killed or repeated, or when it is down."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import yaml
from airflow.dag_processing.dagbag import DagBag

from airflow_programs import RARE_COLLECTIONS
from alert_sinks import HttpSink, serve_http
from exporter import ACCOUNTS, TABLES, Exporter
from include.export.postgres import open_session
from include.export.salesforce import Catalogue
from salesforce_sandbox.control import Control
from salesforce_sandbox.process import RunningSandbox

pytestmark = pytest.mark.filterwarnings("default")  # Airflow's own
ROOT = Path(__file__).resolve().parents[2]
CHANNEL = "channels: {team: {type: webhook, connection: hook}}"
RUN = f"""
{RARE_COLLECTIONS}
from airflow.dag_processing.dagbag import DagBag
DagBag(dag_folder={str(ROOT / "dags")!r}, safe_mode=False).dags["CRMExport"].test()
"""


@dataclass
class Runs:
    """Runs of CRMExport over one stream, with a webhook as the channel of alerts."""

    exporter: Exporter
    hook: HttpSink
    folder: Path

    def run(self) -> dict[str, str]:
        """Run CRMExport and return the state of each task and of the run."""
        finished = DagBag(dag_folder=str(ROOT / "dags"), safe_mode=False).dags["CRMExport"].test()
        states = {instance.task_id: str(instance.state) for instance in finished.get_task_instances()}
        return states | {"run": str(finished.state)}

    def take(self) -> list[list[tuple[str, str]]]:
        """Return the messages since the last call: event and kind of each alert."""
        sent, self.hook.requests = self.hook.requests, []
        return [[(alert["event"], alert["kind"]) for alert in body["alerts"]] for _, body in sent]


@pytest.fixture
def runs(
    metadata: None,
    database: str,
    sandbox: Control,
    sandbox_server: RunningSandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Runs]:
    """Return runs over empty tables and an empty org."""
    streams = tmp_path / "streams"
    streams.mkdir()
    (streams / "accounts.yaml").write_text(yaml.safe_dump({k: v for k, v in ACCOUNTS.items() if k != "name"}))
    (streams / "alerts.yaml").write_text(CHANNEL)
    monkeypatch.setenv("CRM_EXPORT_STREAMS", str(streams))
    monkeypatch.setenv("AIRFLOW_VAR_CRM_EXPORT_LAG_HOURS", "1000000")  # the rows are old
    with open_session(database) as connection, serve_http(tmp_path, "hooks.example.com") as hook:
        connection.execute(TABLES)
        define_connections(monkeypatch, connection, sandbox_server, hook)
        yield Runs(Exporter(connection, sandbox, sandbox_server.https_url, Catalogue.load()), hook, streams)


def define_connections(
    monkeypatch: pytest.MonkeyPatch, connection: psycopg.Connection, server: RunningSandbox, hook: HttpSink
) -> None:
    info, keys = connection.info, {"consumer_key": "sandbox-key", "consumer_secret": "sandbox-secret"}
    place = {"conn_type": "postgres", "host": info.host, "port": info.port, "login": info.user, "schema": info.dbname}
    keys["domain"] = f"{server.https_host}/services/oauth2/token#"
    monkeypatch.setenv("AIRFLOW_CONN_POSTGRES_DEFAULT", json.dumps(place))
    monkeypatch.setenv("AIRFLOW_CONN_SALESFORCE_DEFAULT", json.dumps({"conn_type": "salesforce", "extra": keys}))
    monkeypatch.setenv("AIRFLOW_CONN_HOOK", f"http://http%3A%2F%2F127.0.0.1%3A{hook.port}%2Fhook/")


@pytest.fixture
def held(runs: Runs) -> Runs:
    """Return runs whose second record Salesforce rejects."""
    runs.exporter.add({"id": 1}, {"id": 2, "name": "bad"}, {"id": 3})
    return runs


def test_a_held_run_stays_failed_with_its_alert_sent_once_and_its_end_too(held: Runs) -> None:
    states = held.run()
    assert (states["run"], states["accounts.pause_on_export_errors"]) == ("failed", "failed")
    assert states["send_alerts"] == "success", "the task that sends behind a failed gate does not turn the run green"
    assert held.take() == [[("raised", "held")]]
    for _ in range(24):
        assert held.run()["run"] == "failed"
    assert held.take() == [], "24 hourly runs of the same hold"
    held.exporter.control.switch_rule("no_bad_names", active=False)
    assert held.run()["run"] == "success"
    assert held.take() == [[("cleared", "held")]]


def test_the_alert_of_a_run_that_was_killed_is_sent_by_the_next(held: Runs) -> None:
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}"}
    with subprocess.Popen(
        [sys.executable, "-c", RUN], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while process.poll() is None and not count_holds(held):
            time.sleep(0.01)
        process.kill()
    assert process.returncode == -9, "it was killed between the hold and the sending"
    assert held.take() == []
    assert held.run()["run"] == "failed"
    assert held.take() == [[("raised", "held")]]


def count_holds(runs: Runs) -> int:
    query = "select count(*) from crm_export.ExportAlerts where kind = 'held'"
    row = runs.exporter.connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def test_a_channel_that_is_down_loses_nothing_and_takes_nothing_from_the_others(
    held: Runs, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    channels = {name: {"type": "webhook", "connection": name} for name in ("down", "hook")}
    (held.folder / "alerts.yaml").write_text(yaml.safe_dump({"channels": channels}))
    monkeypatch.setenv("AIRFLOW_CONN_DOWN", "http://http%3A%2F%2F127.0.0.1%3A1%2Fhook/")
    states = held.run()
    assert states["send_alerts"] == "success"
    assert held.exporter.watermark() == "1", "the export had gone on"
    assert held.take() == [[("raised", "held")]]
    assert "Alert channel down did not accept the message" in caplog.text
    monkeypatch.setenv("AIRFLOW_CONN_DOWN", os.environ["AIRFLOW_CONN_HOOK"])
    held.run()
    assert held.take() == [[("raised", "held")]], "to the channel that was down, and only to it"


def test_five_hundred_rejections_by_one_rule_are_one_alert(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_PAUSE_ON_EXPORT_ERRORS", "off")
    runs.exporter.add_many(1, 1_000)
    runs.exporter.connection.execute("update app.accounts set name = 'bad' where id % 2 = 0")
    assert runs.run()["run"] == "success"
    assert len(runs.exporter.errors()) == 500
    assert runs.take() == [[("raised", "rejected")]]
    assert runs.run()["run"] == "success"
    assert runs.take() == []


def test_a_wrong_alerts_file_is_one_message_and_exports_go_on(held: Runs, caplog: pytest.LogCaptureFixture) -> None:
    (held.folder / "alerts.yaml").write_text("channels: {team: {type: pigeon}}")
    states = held.run()
    assert states["send_alerts"] == "success"
    assert states["accounts.export_changes"] == "success"
    warnings = [record.getMessage() for record in caplog.records if "alerts.yaml" in record.getMessage()]
    assert len(warnings) == 1
    assert "No alert is sent: alerts.yaml: channels.team.type" in warnings[0]
    (held.folder / "alerts.yaml").write_text(CHANNEL)
    held.run()
    assert held.take() == [[("raised", "held")]], "nothing was lost"

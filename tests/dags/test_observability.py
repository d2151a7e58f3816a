"""Metrics and lineage as Airflow sends them: to a StatsD server, an OpenTelemetry collector and a file of events."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from airflow_programs import RARE_COLLECTIONS
from collectors import Collector, collect_otlp, collect_statsd
from crm_export.metrics import COUNTERS, GAUGES, PREFIX
from exporter import ACCOUNTS, TABLES, Exporter
from include.export.postgres import open_session
from include.export.salesforce import Catalogue
from salesforce_sandbox.control import Control
from salesforce_sandbox.process import RunningSandbox

ROOT = Path(__file__).resolve().parents[2]
DASHBOARD = ROOT / "deploy" / "grafana" / "crm_export.json"
# Airflow reads the configuration of stats and lineage at process start, so each run is a process of its own
RUN = f"""
{RARE_COLLECTIONS}
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.observability import stats
from airflow.sdk.observability.metrics.stats_utils import get_stats_factory
stats.initialize(factory=get_stats_factory(), export_legacy_names=True)  # as the task runner begins
print("ended:", DagBag(dag_folder={str(ROOT / "dags")!r}, safe_mode=False).dags["CRMExport"].test().state)
"""
COUNTED = {"rows_changed": 3.0, "rows_sent": 3.0, "accepted": 2.0, "rejected": 1.0}


def run_export(**configuration: str) -> None:
    """Run CRMExport in a separate process with a configuration of Airflow."""
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}"} | configuration
    done = subprocess.run([sys.executable, "-c", RUN], env=environment, capture_output=True, text=True, check=False)
    assert "ended: success" in done.stdout, (done.stdout + done.stderr)[-3000:]


@pytest.fixture
def source(
    metadata: None,
    database: str,
    sandbox: Control,
    sandbox_server: RunningSandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[psycopg.Connection]:
    """Return the source of one stream of three accounts, one of which is rejected, with the setting off."""
    content = {key: value for key, value in ACCOUNTS.items() if key != "name"}
    (tmp_path / "accounts.yaml").write_text(yaml.safe_dump(content))
    connection = open_session(database)
    connection.execute(TABLES)
    exporter = Exporter(connection, sandbox, sandbox_server.https_url, Catalogue.load())
    exporter.add({"id": 1}, {"id": 2, "name": "bad"}, {"id": 3})
    info, keys = connection.info, {"consumer_key": "sandbox-key", "consumer_secret": "sandbox-secret"}
    place = {"conn_type": "postgres", "host": info.host, "port": info.port, "login": info.user, "schema": info.dbname}
    keys["domain"] = f"{sandbox_server.https_host}/services/oauth2/token#"
    for name, value in {
        "CRM_EXPORT_STREAMS": str(tmp_path),
        "AIRFLOW_VAR_PAUSE_ON_EXPORT_ERRORS": "off",
        "AIRFLOW_CONN_POSTGRES_DEFAULT": json.dumps(place),
        "AIRFLOW_CONN_SALESFORCE_DEFAULT": json.dumps({"conn_type": "salesforce", "extra": keys}),
    }.items():
        monkeypatch.setenv(name, value)
    yield connection
    connection.close()


def check_arrived(collector: Collector) -> None:
    """Check that every metric has arrived with its stream, kind and value."""
    found = collector.find(f"airflow.{PREFIX}.")
    assert found.keys() == COUNTERS.keys() | GAUGES.keys()
    assert {metric.stream for metrics in found.values() for metric in metrics} == {"accounts"}
    for names, kind in ((COUNTERS, "counter"), (GAUGES, "gauge")):
        assert {metric.kind for name in names for metric in found[name]} == {kind}
    assert {name: found[name][-1].value for name in COUNTED} == COUNTED
    assert found["api_calls"][-1].value >= 1
    gauges = {name: found[name][-1].value for name in GAUGES}
    assert (gauges["open_errors"], gauges["held"], gauges["rows_waiting"]) == (1, 0, 0)
    assert gauges["run_seconds"] > 0


def test_every_metric_arrives_at_an_opentelemetry_collector_with_its_stream(source: psycopg.Connection) -> None:
    with collect_otlp() as collector:
        run_export(
            AIRFLOW__METRICS__OTEL_ON="True", AIRFLOW__METRICS__OTEL_INTERVAL_MILLISECONDS="60000",
            OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=f"http://127.0.0.1:{collector.port}/v1/metrics",
            OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf", AIRFLOW__METRICS__OTEL_HOST="127.0.0.1",
            AIRFLOW__METRICS__OTEL_PORT=str(collector.port),
        )  # fmt: skip
    check_arrived(collector)


def test_the_dashboard_names_only_metrics_that_exist_and_each_of_them() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    expressions = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    assert expressions
    named = {name for text in expressions for name in re.findall(r"\b(airflow_\w+)", text)}
    # Prometheus writes counters with _total
    known = {f"airflow_{PREFIX}_{name}_total" for name in COUNTERS} | {f"airflow_{PREFIX}_{name}" for name in GAUGES}
    assert named == known


def read_event(path: Path) -> dict[str, Any]:
    """Return the last event of the export that succeeded."""
    events = [json.loads(line) for line in path.read_text().splitlines()]
    ended = [
        event for event in events
        if event["eventType"] == "COMPLETE" and event["job"]["name"].endswith("accounts.export_changes")
    ]  # fmt: skip
    assert ended, [(event["eventType"], event["job"]["name"]) for event in events]
    return dict(ended[-1])


def test_a_run_sends_every_metric_to_a_statsd_server_and_its_lineage_with_each_column(
    source: psycopg.Connection, sandbox_server: RunningSandbox, tmp_path: Path
) -> None:
    written = tmp_path / "events.jsonl"
    transport = {"type": "file", "log_file_path": str(written), "append": True}
    with collect_statsd() as collector:
        run_export(
            AIRFLOW__METRICS__STATSD_ON="True", AIRFLOW__METRICS__STATSD_HOST="127.0.0.1",
            AIRFLOW__METRICS__STATSD_PORT=str(collector.port), AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED="True",
            AIRFLOW__OPENLINEAGE__TRANSPORT=json.dumps(transport), AIRFLOW__OPENLINEAGE__NAMESPACE="tests",
            AIRFLOW__OPENLINEAGE__DISABLED="False",
        )  # fmt: skip
    check_arrived(collector)
    event, info = read_event(written), source.info
    [table], [target] = event["inputs"], event["outputs"]
    assert table["namespace"] == f"postgres://{info.host}:{info.port}"
    assert table["name"] == f"{info.dbname}.app.accounts"
    assert (target["namespace"], target["name"]) == (sandbox_server.https_url, "Account")
    lineage = target["facets"]["columnLineage"]["fields"]
    assert {field: used["inputFields"][0]["field"] for field, used in lineage.items()} == ACCOUNTS["fields"]
    assert {used["inputFields"][0]["name"] for used in lineage.values()} == {table["name"]}
    assert target["outputFacets"]["outputStatistics"]["rowCount"] == 2

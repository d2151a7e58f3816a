"""Two orgs and two databases in one Airflow: each stream is exported through its own connections only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from airflow.dag_processing.dagbag import DagBag

from alert_sinks import HttpSink, serve_http
from crm_export.command_line.main import main
from exporter import ACCOUNTS, TABLES, Exporter, make_stream
from include.export.postgres import open_session
from include.export.salesforce import Catalogue
from laboratory import clone_database
from local_stack.postgres import EmbeddedPostgres
from salesforce_sandbox.process import RunningSandbox, start_sandbox

pytestmark = pytest.mark.filterwarnings("default")  # Airflow's own
ROOT = Path(__file__).resolve().parents[2]
FIRST_ORG, SECOND_ORG = "00Dxx0000001gPL", "00Dxx0000001gPM"
SIDES = ("north", "south")
YEARS = "1000000"  # in hours


@dataclass
class Two:
    """Both sides, each with its database, its org and its stream; Airflow has no other connection."""

    north: Exporter
    south: Exporter
    hook: HttpSink

    def run(self, dag_id: str = "CRMExport", conf: dict[str, Any] | None = None) -> dict[str, str]:
        """Run a DAG as Airflow does, and return the state of each task and of the run."""
        dag = DagBag(dag_folder=str(ROOT / "dags"), safe_mode=False).dags[dag_id]
        finished = dag.test(run_conf=conf)
        states = {instance.task_id: str(instance.state) for instance in finished.get_task_instances()}
        return states | {"run": str(finished.state)}

    def take_alerts(self) -> list[tuple[str, str]]:
        """Return kind and stream of the webhook's alerts since the last call."""
        sent, self.hook.requests = self.hook.requests, []
        return [(alert["kind"], alert["stream"]) for _, body in sent for alert in body["alerts"]]


@pytest.fixture(scope="module")
def second_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """Return a sandbox that is another org."""
    folder = tmp_path_factory.mktemp("second-org")
    definition = folder / "org.yaml"
    text = (ROOT / "tests" / "org.yaml").read_text()
    assert FIRST_ORG in text
    definition.write_text(text.replace(FIRST_ORG, SECOND_ORG))
    with start_sandbox(definition, folder) as running:
        yield running


@pytest.fixture
def two(
    metadata: None,
    postgres: EmbeddedPostgres,
    database: str,
    sandbox_server: RunningSandbox,
    second_sandbox: RunningSandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Two]:
    """Return both sides with the same table, the same keys and the same rule, and one webhook."""
    authorities = tmp_path / "authorities.pem"
    servers = (sandbox_server, second_sandbox)
    authorities.write_text("".join(Path(server.ca_file).read_text() for server in servers))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authorities))
    streams = tmp_path / "streams"
    streams.mkdir()
    monkeypatch.setenv("CRM_EXPORT_STREAMS", str(streams))
    monkeypatch.setenv("AIRFLOW_VAR_CRM_EXPORT_LAG_HOURS", YEARS)  # the rows are old
    with (
        clone_database(postgres, "second_source") as second,
        open_session(database) as one,
        open_session(second) as other,
        serve_http(tmp_path, "hooks.example.com") as hook,
    ):
        sides = []
        for name, server, connection in zip(SIDES, servers, (one, other), strict=True):
            server.control.reset()
            connection.execute(TABLES)
            sides.append(Exporter(connection, server.control, server.https_url, Catalogue.load(),
                                  stream=make_stream(name=name)))  # fmt: skip
            connect_postgres(monkeypatch, name, connection)
            connect_salesforce(monkeypatch, name, server)
            content = {key: value for key, value in ACCOUNTS.items() if key != "name"}
            content |= {"postgres": f"{name}_postgres", "salesforce": f"{name}_org"}
            (streams / f"{name}.yaml").write_text(yaml.safe_dump(content))
        (streams / "alerts.yaml").write_text("channels: {team: {type: webhook, connection: hook}}")
        monkeypatch.setenv("AIRFLOW_CONN_HOOK", f"http://http%3A%2F%2F127.0.0.1%3A{hook.port}%2Fhook/")
        yield Two(*sides, hook)


def connect_postgres(monkeypatch: pytest.MonkeyPatch, side: str, connection: psycopg.Connection) -> None:
    info = connection.info
    place = {"conn_type": "postgres", "host": info.host, "port": info.port, "login": info.user, "schema": info.dbname}
    monkeypatch.setenv(f"AIRFLOW_CONN_{side.upper()}_POSTGRES", json.dumps(place))


def connect_salesforce(monkeypatch: pytest.MonkeyPatch, side: str, server: RunningSandbox) -> None:
    keys = {"consumer_key": "sandbox-key", "consumer_secret": "sandbox-secret"}
    keys["domain"] = f"{server.https_host}/services/oauth2/token#"
    value = json.dumps({"conn_type": "salesforce", "extra": keys})
    monkeypatch.setenv(f"AIRFLOW_CONN_{side.upper()}_ORG", value)


def names_of_streams(side: Exporter) -> set[str]:
    """Return the streams in the tables of one side."""
    tables = ("ExportWatermarks", "ExportRuns", "ExportBatches", "ExportErrors", "ExportFindings", "ExportResends")
    query = " union ".join(f"select stream from crm_export.{table}" for table in tables)
    alerts = " union select stream from crm_export.ExportAlerts where stream is not null"
    return {name for (name,) in side.connection.execute(query + alerts).fetchall()}


def export_both(two: Two) -> dict[str, str]:
    """Export both sides with the same keys: north's second record is rejected."""
    two.north.add({"id": 1, "name": "North 1"}, {"id": 2, "name": "bad"}, {"id": 3, "name": "North 3"})
    two.south.add({"id": 1, "name": "South 1"}, {"id": 2, "name": "South 2"}, {"id": 3, "name": "South 3"})
    return two.run()


def test_records_errors_watermarks_and_alerts_stay_on_their_side(two: Two) -> None:
    states = export_both(two)
    assert states["north.pause_on_export_errors"] == "failed"
    assert states["south.pause_on_export_errors"] == "success"
    assert states["run"] == "failed"
    assert two.north.names() == {"A1": "North 1"}
    assert two.south.names() == {"A1": "South 1", "A2": "South 2", "A3": "South 3"}
    assert (two.north.watermark(), two.south.watermark()) == ("1", "3")
    assert [error["record_key"] for error in two.north.errors()] == ["2"]
    assert two.south.errors() == []
    assert (names_of_streams(two.north), names_of_streams(two.south)) == ({"north"}, {"south"})
    organizations = [
        side.connection.execute("select organization_id from crm_export.ExportWatermarks").fetchall()
        for side in (two.north, two.south)
    ]
    assert [found[0][0][:15] for found in organizations] == [FIRST_ORG, SECOND_ORG]
    assert two.take_alerts() == [("held", "north")], "and the other database reports no failed task of this one"


def test_the_daily_jobs_work_on_each_side_by_itself(two: Two) -> None:
    export_both(two)
    two.take_alerts()
    two.north.control.switch_rule("no_bad_names", active=False)
    assert two.run()["run"] == "success"
    assert two.take_alerts() == [("held", "north")], "its end"
    two.south.add({"id": 9, "minute": 1, "name": "South 9, late"})
    two.north.control.add_records("Account", [{"Name": "North only", "Ext__c": "Z1"}])
    two.south.connection.execute(
        "insert into crm_export.ExportRuns (stream, kind, dag_id, run_id, task_id, try_number, paused_on_errors,"
        " started_at, ended_at, outcome) select 'south', 'reconcile', 'd', 'old', 't', 1, true, long, long, 'complete'"
        " from (select now() - interval '1 year') a (long)"
    )
    assert two.run("CRMExport_Reconcile")["run"] == "success"
    assert two.north.names().keys() == {"A1", "A2", "A3", "Z1"}
    assert two.south.names()["A9"] == "South 9, late"
    found = [
        side.connection.execute("select stream, kind, subject from crm_export.ExportFindings").fetchall()
        for side in (two.north, two.south)
    ]
    assert found == [[("north", "no_source_row", "Z1")], [("south", "late_row", "9")]]
    assert sorted(two.take_alerts()) == [("finding", "north"), ("finding", "south")]
    old = two.south.connection.execute("select 1 from crm_export.ExportRuns where run_id = 'old'").fetchall()
    assert old == [], "history is deleted in the second database too"


def test_rejected_records_are_sent_again_to_their_own_org(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_PAUSE_ON_EXPORT_ERRORS", "off")
    export_both(two)
    two.north.control.switch_rule("no_bad_names", active=False)
    before = two.south.last_call()
    assert two.run("CRMExport_ExportError", {"every": True})["run"] == "success"
    assert two.north.names()["A2"] == "bad"
    assert two.north.errors("status <> 'resolved'") == []
    assert two.south.calls(before) == []


def test_a_connection_to_the_other_org_is_rejected_by_its_id_and_nothing_is_written(
    two: Two, monkeypatch: pytest.MonkeyPatch, sandbox_server: RunningSandbox
) -> None:
    export_both(two)
    two.take_alerts()
    connect_salesforce(monkeypatch, "south", sandbox_server)
    two.south.add({"id": 4, "name": "South 4"})
    writes = len(two.north.control.writes("Account"))
    states = two.run()
    assert states["south.export_changes"] == "failed"
    failed = two.south.connection.execute("select message from crm_export.ExportRuns order by id desc limit 1")
    [message] = failed.fetchone() or ("",)
    assert f"leads to Salesforce org {FIRST_ORG}" in message
    assert "Correct the connection south_org" in message
    assert len(two.north.control.writes("Account")) == writes
    assert two.south.watermark() == "3"
    assert two.take_alerts() == [("run_failed", "south")]


def test_a_resend_goes_to_its_own_org_and_the_commands_show_both_sides(
    two: Two, capsys: pytest.CaptureFixture[str]
) -> None:
    export_both(two)
    north, south = (len(side.control.writes("Account")) for side in (two.north, two.south))
    assert main(["resend", "south", "--yes"]) == 0
    capsys.readouterr()
    two.run()
    assert len(two.south.control.writes("Account")) == south + 3
    assert len(two.north.control.writes("Account")) == north
    assert (two.north.watermark(), two.south.watermark()) == ("1", "3")
    capsys.readouterr()
    assert main(["status"]) == 1
    shown = capsys.readouterr().out
    assert "north                           held at key=2" in shown
    assert "south                           complete, 0 unresolved errors" in shown
    assert main(["check"]) in {0, 1}
    shown = capsys.readouterr().out
    for name in ("north_postgres", "south_postgres", "north_org", "south_org"):
        assert f"ok    {name}" in shown or f"warn  {name}" in shown
    assert f"org {FIRST_ORG}" in shown
    assert f"org {SECOND_ORG}" in shown
    assert "_default" not in shown
    assert main(["alerts"]) == 1
    assert "north" in capsys.readouterr().out


def test_a_database_that_is_down_takes_nothing_from_the_other(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    export_both(two)
    two.take_alerts()
    two.south.add({"id": 4, "name": "bad"})
    value = json.dumps({"conn_type": "postgres", "host": "127.0.0.1", "port": 1, "login": "x", "schema": "x"})
    monkeypatch.setenv("AIRFLOW_CONN_NORTH_POSTGRES", value)
    dag = DagBag(dag_folder=str(ROOT / "dags"), safe_mode=False).dags["CRMExport"]
    for task in dag.tasks:
        task.retries = 0
    states = {instance.task_id: str(instance.state) for instance in dag.test().get_task_instances()}
    assert states["north.export_changes"] != "success"
    assert states["south.pause_on_export_errors"] == "failed"
    assert ("held", "south") in two.take_alerts()

"""Streams of several databases: all are shown; one that does not answer is named and hides none of the others."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import yaml
from psycopg import sql

from exporter import ACCOUNTS, TABLES, Exporter, make_stream
from include.export.ledger import ExportAlerts, ExportFindings
from include.export.postgres import prepare_session
from local_stack.postgres import EmbeddedPostgres
from people import Person, code

pytestmark = pytest.mark.filterwarnings("default")  # warnings of Airflow's API server itself
SEAT = Callable[..., Person]
OTHER = "warehouse"


@pytest.fixture
def other(
    exporter: Exporter, postgres: EmbeddedPostgres, template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Exporter]:
    """Return an exporter of the stream `partners`, whose rows are in a separate database."""
    with psycopg.connect(postgres.dsn(), autocommit=True) as connection:
        connection.execute("drop database if exists warehouse with (force)")
        connection.execute(sql.SQL("create database warehouse template {}").format(sql.Identifier(template)))
    changes = {"postgres": OTHER, "external_id": "Exact__c", "fields": {"Exact__c": "ext", "Name": "name"}}
    stream = {name: value for name, value in ACCOUNTS.items() if name != "name"} | changes
    (tmp_path / "partners.yaml").write_text(yaml.safe_dump(stream))
    with psycopg.connect(postgres.dsn("warehouse"), autocommit=True, application_name="crm_export") as connection:
        prepare_session(connection)
        connection.execute(TABLES)
        info = connection.info
        define(monkeypatch, info.port, info.dbname, info.host, info.user)
        found = Exporter(connection, exporter.control, exporter.https_url, exporter.catalogue)
        found.stream = make_stream(name="partners", **changes)
        yield found


def define(monkeypatch: pytest.MonkeyPatch, port: int | str, name: str, host: str, user: str) -> None:
    connection = {"conn_type": "postgres", "host": host, "port": int(port), "login": user, "schema": name}
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps(connection))


@pytest.fixture
def both(exporter: Exporter, other: Exporter) -> Exporter:
    """Hold a stream in both databases; returns the exporter of the other one."""
    exporter.add({"id": 1}, {"id": 2, "name": "bad"})
    exporter.run()
    exporter.gate()
    other.add({"id": 11}, {"id": 12, "name": "bad"}, {"id": 13})
    other.run()
    other.gate()
    return other


def test_streams_errors_findings_and_alerts_of_both_are_shown(op: Person, both: Exporter) -> None:
    ExportFindings(both.connection, "partners", 1).note("late_row", [("13", "came late")])
    found = op.get("api/streams").json()
    places = {stream["name"]: stream["database"] for stream in found["streams"]}
    assert places == {"accounts": "postgres_default", "contacts": "postgres_default", "partners": OTHER}
    assert sorted(found["summary"]["held"]) == ["accounts", "partners"]
    assert (found["summary"]["unresolved"], found["summary"]["findings"]) == (2, 1)
    assert (found["databases"], found["unreachable"]) == (["postgres_default", OTHER], [])
    assert [one["database"] for one in op.get("api/findings").json()["findings"]] == [OTHER]
    assert sorted(one["database"] for one in op.get("api/causes").json()["causes"]) == ["postgres_default", OTHER]
    alerts = op.get("api/alerts").json()
    assert {one["stream"]: one["database"] for one in alerts["alerts"] if one["kind"] == "held"} == {
        "accounts": "postgres_default",
        "partners": OTHER,
    }
    assert op.get("api/headline").json()["alerts"] == alerts["open"]
    assert op.get("api/acknowledgement").json()["unresolved"] == 2
    points = op.get("api/history", days=1).json()["points"]
    assert (sum(point["exported"] for point in points), sum(point["rejected"] for point in points)) == (2, 2)


def test_an_error_is_read_where_it_is(op: Person, both: Exporter) -> None:
    [listed] = op.get("api/errors", database=OTHER).json()["errors"]
    assert listed["record_key"] == "12"
    assert op.get("api/errors", stream="partners").json()["errors"] == [listed]
    assert op.get("api/errors").json()["errors"][0]["record_key"] == "2"
    detail = op.get(f"api/errors/{listed['id']}", database=OTHER).json()
    assert (detail["record_key"], detail["database"]) == ("12", OTHER)
    row = op.send("POST", f"api/errors/{listed['id']}/source-row?database={OTHER}", {})
    assert row.status_code == 200
    assert '"12"' in op.get("api/errors.csv", database=OTHER).text
    assert code(op.get("api/errors", database="airflow_db")) == (404, "not_found")


def test_an_error_number_of_another_database_is_rejected(op: Person, both: Exporter, exporter: Exporter) -> None:
    [error] = both.errors()
    selection = {"kind": "set_aside", "selection": {"errors": [error["id"]]}, "database": OTHER}
    for path in ("api/actions", "api/actions/preview"):
        assert code(op.post(path, selection)) == (409, "other_database")
    assert code(op.post("api/trials", {"error_id": error["id"], "database": OTHER})) == (409, "other_database")
    assert {one["status"] for one in exporter.errors()} == {"open"}


def test_each_alert_is_marked_where_it_is(op: Person, both: Exporter, exporter: Exporter) -> None:
    alerts = op.get("api/alerts").json()["alerts"]
    [theirs] = [one for one in alerts if one["stream"] == "partners"]
    assert op.post("api/alerts/read", {"alerts": [{"database": OTHER, "id": theirs["id"]}]}).json() == {"marked": 1}
    assert ExportAlerts(both.connection).count().unread == 0
    assert ExportAlerts(exporter.connection).count().unread == 1
    assert op.post("api/alerts/read", {"until": alerts[0]["raised_at"]}).json() == {"marked": 1}


def test_a_resend_is_asked_for_where_the_stream_is(op: Person, both: Exporter, dags: None) -> None:
    both.change(12, 50, name="good")
    both.run()
    started = op.post("api/streams/partners/resends", {"keys": ["11"]})
    assert started.status_code == 202, started.text
    both.run()
    assert op.get("api/streams/partners/resends").json()["resends"][0]["state"] == "done"
    assert [entry["action"] for entry in op.get("api/audit", database=OTHER).json()["entries"]] == ["resend"]
    assert op.get("api/audit").json()["entries"] == []


def test_a_database_that_does_not_answer_is_named_and_hides_nothing(
    op: Person, both: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    define(monkeypatch, 1, "none", "127.0.0.1", "nobody")
    found = op.get("api/streams").json()
    assert [problem["database"] for problem in found["unreachable"]] == [OTHER]
    assert "127.0.0.1:1" in found["unreachable"][0]["message"]
    states = {stream["name"]: stream for stream in found["streams"]}
    assert states["accounts"]["held"] is not None
    assert states["partners"]["problem"] == found["unreachable"][0]["message"]
    assert found["summary"]["uncounted"] == ["partners"], "so the headline says nothing good"
    assert [one["stream"] for one in op.get("api/alerts").json()["alerts"]] == ["accounts"]
    assert [problem["database"] for problem in op.get("api/alerts").json()["unreachable"]] == [OTHER]
    assert op.get("api/headline").status_code == 200


def test_a_database_without_our_tables_hides_nothing_either(op: Person, exporter: Exporter, other: Exporter) -> None:
    exporter.run()
    other.connection.execute("drop schema crm_export cascade")
    found = op.get("api/streams").json()
    assert [problem["database"] for problem in found["unreachable"]] == [OTHER]
    assert "Run the DAG CRMExport once" in found["unreachable"][0]["message"]


def test_when_no_database_answers_the_reason_is_returned(
    op: Person, other: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    define(monkeypatch, 1, "none", "127.0.0.1", "nobody")
    monkeypatch.setenv("AIRFLOW_CONN_POSTGRES_DEFAULT", "postgres://x@127.0.0.1:1/none")
    assert code(op.get("api/streams")) == (503, "database_down")

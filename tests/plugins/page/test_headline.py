"""The headline: the same count in every view, and no success reported while a problem is known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from sqlalchemy import select, update

from crm_export.page.dag_runs import find_run_after
from exporter import ACCOUNTS, Exporter, make_stream
from include.export.ledger import ExportFindings
from include.export.reports import find_blockers, summarise_streams
from people import Person, act, code

pytestmark = pytest.mark.filterwarnings("default")  # warnings of Airflow's API server itself
SEAT = Callable[..., Person]
NEXT_YEAR = (datetime.now(UTC) + timedelta(days=365)).isoformat()


def count_everywhere(person: Person, exporter: Exporter) -> list[int]:
    """Return the number of unresolved records as each view shows it."""
    streams = person.get("api/streams").json()
    by_stream = [sum(stream["errors"].values()) for stream in streams["streams"]]
    [line] = summarise_streams(["accounts"], connection=exporter.connection)
    return [
        streams["summary"]["unresolved"],
        sum(by_stream),
        sum(streams["summary"]["errors"].values()),
        person.get("api/errors", limit=1).json()["total"],
        sum(cause["count"] for cause in person.get("api/causes").json()["causes"]),
        person.get("api/acknowledgement").json()["unresolved"],
        person.get("api/headline").json()["summary"]["unresolved"],
        line.open_errors + line.waiting,
        line.errors.unresolved,
    ]


@pytest.mark.ux(1)
def test_one_count_everywhere_whatever_became_of_the_errors(op: Person, exporter: Exporter, dags: None) -> None:
    exporter.add(*({"id": number, "name": "bad"} for number in range(1, 7)))
    exporter.run(pause=False)
    errors = [error["id"] for error in exporter.errors()]
    assert set(count_everywhere(op, exporter)) == {6}
    act(op, "set_aside", *errors[:3])
    act(op, "ignore", *errors[3:5], reason="known", until=NEXT_YEAR)
    assert set(count_everywhere(op, exporter)) == {6}
    assert op.get("api/streams").json()["summary"]["errors"] == {"open": 1, "waiting": 0, "set_aside": 3, "ignored": 2}
    act(op, "ignore", errors[5], reason="known", until=NEXT_YEAR)
    act(op, "set_aside", *errors[3:5])
    assert set(count_everywhere(op, exporter)) == {6}  # none of them open, all of them counted


@pytest.mark.ux(1)
def test_errors_of_a_stream_whose_file_is_gone_are_counted_too(op: Person, exporter: Exporter) -> None:
    exporter.add({"id": 1, "name": "bad"})
    exporter.run(pause=False)
    exporter.connection.execute("update crm_export.ExportErrors set stream = 'gone'")
    assert op.get("api/streams").json()["summary"]["unresolved"] == 1
    assert op.get("api/errors", limit=1).json()["total"] == 1


@pytest.mark.ux(5)
def test_findings_of_the_daily_check_are_part_of_the_headline(op: Person, exporter: Exporter) -> None:
    exporter.run()
    ExportFindings(exporter.connection, "accounts", 1).note("no_source_row", [("A1", "is in Salesforce only")] * 1)
    streams = op.get("api/streams").json()
    assert (streams["summary"]["findings"], streams["streams"][0]["findings"]) == (1, 1)
    [finding] = op.get("api/findings").json()["findings"]
    assert (finding["kind"], finding["subject"]) == ("no_source_row", "A1")


def run_of(dag_id: str, run_id: str, **states: str) -> None:
    """Create a run of a DAG in Airflow whose tasks are in these states; `__` in a name is the dot of a group."""
    with create_session() as session:
        for name, state in states.items():
            session.execute(
                update(TaskInstance)
                .where(
                    TaskInstance.dag_id == dag_id,
                    TaskInstance.run_id == run_id,
                    TaskInstance.task_id == name.replace("__", "."),
                )
                .values(state=state, end_date=datetime.now(UTC), retry_delay_override=90)
            )


@pytest.mark.ux(6)
def test_a_failed_task_is_shown_with_its_reason_its_log_and_its_next_retry(
    op: Person, exporter: Exporter, dags: None
) -> None:
    run_id = op.post("api/dags/CRMExport/runs", {}).json()["run_id"]
    with create_session() as session:
        tasks = list(session.scalars(select(TaskInstance.task_id).where(TaskInstance.run_id == run_id)))
    export = next(task for task in tasks if task.endswith(".export_changes"))
    group = export.partition(".")[0]
    run_of(
        "CRMExport", run_id, **{export.replace(".", "__"): "up_for_retry", f"{group}__pause_on_export_errors": "failed"}
    )
    exporter.connection.execute(
        "insert into crm_export.ExportRuns (stream, kind, dag_id, run_id, task_id, try_number, paused_on_errors,"
        " outcome, message) values (%s, 'export', 'CRMExport', %s, %s, 1, true, 'failed', 'In maintenance (503).')",
        [group, run_id, export],
    )
    [task] = op.get("api/streams").json()["failed_tasks"]
    assert (task["stream"], task["state"], task["reason"]) == (group, "up_for_retry", "In maintenance (503).")
    assert task["airflow_path"] == f"dags/CRMExport/runs/{run_id}/tasks/{export}"
    soon = datetime.fromisoformat(task["retry_at"]) - datetime.now(UTC)
    assert timedelta(seconds=60) < soon < timedelta(seconds=91)
    run_of("CRMExport", run_id, **{export.replace(".", "__"): "success"})
    assert op.get("api/streams").json()["failed_tasks"] == []


@pytest.mark.ux(7)
def test_paused_dags_and_next_runs_are_shown(op: Person, exporter: Exporter, dags: None) -> None:
    following = datetime.now(UTC) + timedelta(minutes=7)
    with create_session() as session:
        session.execute(update(DagModel).values(next_dagrun_create_after=following))
    states = {dag["dag_id"]: dag for dag in op.get("api/session").json()["dags"]}
    assert {dag["paused"] for dag in states.values()} == {False}
    assert datetime.fromisoformat(states["CRMExport"]["next_run_at"]) == following
    assert op.put("api/dags/CRMExport", {"paused": True}).json()["paused"] is True
    states = {dag["dag_id"]: dag for dag in op.get("api/session").json()["dags"]}
    assert (states["CRMExport"]["paused"], states["CRMExport"]["next_run_at"]) == (True, None)
    assert code(op.post("api/dags/CRMExport/runs", {})) == (409, "dag_paused")
    assert op.put("api/dags/CRMExport", {"paused": False}).json()["paused"] is False
    entries = op.get("api/audit").json()["entries"]
    assert [(entry["action"], entry["actor"], entry["selection"]) for entry in entries] == [
        ("unpause_dag", "olga", "CRMExport"),
        ("pause_dag", "olga", "CRMExport"),
    ]


def test_a_run_is_started_once_and_audited(op: Person, page: SEAT, exporter: Exporter, dags: None) -> None:
    run = op.post("api/dags/CRMExport_Reconcile/runs", {}).json()
    assert (run["dag_id"], run["state"]) == ("CRMExport_Reconcile", "queued")
    assert code(op.post("api/dags/CRMExport_Reconcile/runs", {})) == (409, "already_requested")
    assert code(op.post("api/dags/other/runs", {})) == (422, "invalid")
    with create_session() as session:
        assert [dict(conf or {}) for conf in session.scalars(select(DagRun.conf))] == [{}]
    [entry] = op.get("api/audit").json()["entries"]
    assert (entry["action"], entry["selection"], f"page__{entry['id']}") == (
        "run_now",
        "CRMExport_Reconcile",
        run["run_id"],
    )
    for role in ("viewer", "user"):
        assert page(role).post("api/dags/CRMExport/runs", {}).status_code == 403
        assert page(role).put("api/dags/CRMExport", {"paused": True}).status_code == 403


@pytest.mark.ux(11)
def test_the_next_attempt_is_the_run_that_will_make_it(op: Person, held: Exporter, dags: None) -> None:
    following = datetime.now(UTC) + timedelta(minutes=7)
    with create_session() as session:
        session.execute(update(DagModel).values(next_dagrun_create_after=following))
    [error] = held.errors()
    attempt = op.get(f"api/errors/{error['id']}").json()["next_attempt"]
    assert (attempt["dag_id"], datetime.fromisoformat(attempt["at"])) == ("CRMExport", following)
    act(op, "set_aside", error["id"])
    held.run()  # which moves the watermark past it, so that the daily job retries it
    held.connection.execute("update crm_export.ExportErrors set next_attempt_at = now() + interval '3 days'")
    attempt = op.get(f"api/errors/{error['id']}").json()["next_attempt"]
    assert attempt["dag_id"] == "CRMExport_ExportError"
    late = datetime.fromisoformat(attempt["at"]) - datetime.now(UTC)
    assert timedelta(days=3) <= late <= timedelta(days=4)
    act(op, "ignore", error["id"], reason="known", until=NEXT_YEAR)
    assert op.get(f"api/errors/{error['id']}").json()["next_attempt"] is None
    op.put("api/dags/CRMExport_ExportError", {"paused": True})
    assert find_run_after("CRMExport_ExportError", datetime.now(UTC)) is None


@pytest.mark.ux(8)
def test_an_unanswered_database_names_no_secrets_backend(op: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_POSTGRES_DEFAULT", "postgres://x@127.0.0.1:1/none")
    setting = op.get("api/settings").json()["pause_on_export_errors"]
    assert (setting["changeable"], setting["locked_by"]) == (False, None)


def test_a_connection_that_is_not_defined_is_named(op: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_POSTGRES_DEFAULT")
    answer = op.get("api/streams")
    assert code(answer) == (503, "misconfigured")
    assert "postgres_default" in answer.json()["error"]["message"]


def test_a_session_that_holds_the_source_back_is_named(
    exporter: Exporter, connect: Callable[..., psycopg.Connection]
) -> None:
    other = connect("warehouse loader")
    with other.transaction():
        other.execute("select 1")
        [blocker] = find_blockers([make_stream()], connection=exporter.connection, least_seconds=0)
        assert (blocker.pid, blocker.application) == (other.info.backend_pid, "warehouse loader")
        assert blocker.streams == [ACCOUNTS["name"]]
        assert find_blockers([make_stream()], connection=exporter.connection) == []  # not for long enough
    assert find_blockers([make_stream()], connection=exporter.connection, least_seconds=0) == []


@pytest.mark.ux(21)
def test_a_viewer_sees_counts_and_nothing_of_a_record(page: SEAT, held: Exporter, dags: None) -> None:
    held.connection.execute(
        "update crm_export.ExportErrors set error_message = 'planted-message', record_key = 'planted'"
    )
    for role in ("viewer", "user"):
        answer = page(role).get("api/headline")
        assert answer.status_code == 200
        assert answer.json()["summary"]["held"] == ["accounts"]
        assert answer.json()["summary"]["errors"]["open"] == 1
        assert "planted" not in answer.text
    assert page(None).get("api/headline").status_code == 401


@pytest.mark.ux(22)
def test_a_preview_says_when_too_many_are_selected(
    op: Person, exporter: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter.add({"id": 1, "name": "bad"}, {"id": 2, "name": "bad"})
    exporter.run(pause=False)
    [cause] = op.get("api/causes").json()["causes"]
    asked: dict[str, Any] = {"kind": "set_aside", "selection": {"cause": cause["cause"]}}
    preview = op.post("api/actions/preview", asked).json()
    assert (preview["selected"], preview["limit"]) == (2, 10_000)


@pytest.mark.ux(15)
def test_what_is_set_aside_is_sent_by_the_daily_job_only(op: Person, held: Exporter) -> None:
    [error] = held.errors()
    held.connection.execute("update crm_export.ExportErrors set waiting_for = id")
    act(op, "set_aside", error["id"])
    attempts = held.errors()[0]["attempts"]
    for _ in range(3):
        held.run()
    assert held.errors()[0]["attempts"] == attempts
    held.reexport(every=True)
    assert held.errors()[0]["attempts"] == attempts + 1


@pytest.mark.ux(19)
def test_every_view_has_an_address_of_its_own(page: SEAT) -> None:
    nobody = page(None)
    for path in ("overview", "errors", "errors/records", "errors/12", "streams/accounts", "activity", "history/3"):
        shell = nobody.get(path)
        assert (shell.status_code, shell.headers["content-type"]) == (200, "text/html; charset=utf-8")
        up = "../" if "/" in path else ""
        assert f'src="{up}static/app.js"' in shell.text
        assert f'href="{up}../static/pin_32.png"' in shell.text
    assert nobody.get("nowhere").status_code == 404

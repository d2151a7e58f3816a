"""Actions on rejected records: decisions, retries as runs of the DAGs, trials; and their races with runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.variable import Variable
from airflow.utils.session import create_session
from sqlalchemy import select, update

from exporter import Exporter
from include.export.ledger import ExportAudit, ExportTrials, RunIdentity
from include.export.tasks import reexport_errors, try_record
from people import Person, act, code, know_dags
from rejected import reject

pytestmark = pytest.mark.filterwarnings("default")  # warnings of Airflow's API server itself
SEAT = Callable[..., Person]
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).isoformat()


def started() -> list[tuple[str, str, dict[str, Any]]]:
    with create_session() as session:
        runs = session.scalars(select(DagRun).order_by(DagRun.id))
        return [(run.dag_id, run.run_id, dict(run.conf)) for run in runs]


def work(exporter: Exporter, action: int, *, end: str = "success") -> None:
    """Do the work of CRMExport_ExportError's run for an action, and end the run."""
    dag_id = "CRMExport_ExportError"
    only = ExportAudit(exporter.connection).errors_to_retry(action, dag_id, "accounts")
    identity = RunIdentity(dag_id, f"page__{action}", 1, "accounts")
    reexport_errors(replace(exporter.inputs(), identity=identity), only=only)
    with create_session() as session:
        session.execute(update(DagRun).where(DagRun.run_id == f"page__{action}").values(state=end))


def test_a_held_stream_goes_on_without_a_record_that_is_set_aside(op: Person, held: Exporter) -> None:
    [error] = held.errors()
    asked = {"kind": "set_aside", "selection": {"errors": [error["id"]]}}
    preview = op.post("api/actions/preview", asked).json()
    assert (preview["changes"], preview["ends_holds"], preview["dags"]) == (1, ["accounts"], [])
    action = op.post("api/actions", asked | {"reason": "known"}).json()
    assert (action["state"], action["counts"]) == ("done", {"done": 1})
    assert op.get("api/streams").json()["streams"][0]["held"] is None
    assert held.gate() is None
    assert str(held.run().outcome) == "complete"
    assert held.watermark() == "3"
    assert held.names() == {"A1": "Account 1", "A3": "Account 3"}
    held.control.switch_rule("no_bad_names", active=False)
    assert held.reexport(every=True).exported == 1  # the daily job still retries it
    assert held.errors()[0]["status"] == "resolved"
    assert act(op, "set_aside", error["id"]).json()["error"]["code"] == "nothing_selected"


def test_an_ignored_record_is_passed_over_until_its_end_or_a_newer_version(op: Person, held: Exporter) -> None:
    [error] = held.errors()
    assert code(act(op, "ignore", error["id"])) == (422, "invalid")
    assert code(act(op, "ignore", error["id"], reason="x", until="2020-01-01T00:00:00Z")) == (422, "invalid")
    assert act(op, "ignore", error["id"], reason="they will merge it", until=TOMORROW).json()["counts"] == {"done": 1}
    held.run()
    assert held.watermark() == "3"
    assert held.reexport(every=True).tried == 0
    detail = op.get(f"api/errors/{error['id']}").json()
    assert (detail["status"], detail["ignored_reason"]) == ("ignored", "they will merge it")
    held.change(2, 10, notes="another version")
    assert str(held.run().outcome) == "held"
    assert held.errors("status <> 'resolved'")[0]["status"] == "open"


def test_a_reopened_child_waits_again_while_its_parent_is_rejected(op: Person, held: Exporter) -> None:
    [parent] = held.errors()
    held.connection.execute(
        "insert into crm_export.ExportErrors (stream, object, record_key, operation, error_code, error_name,"
        " error_class, error_message, status, waiting_for, dag_id, run_id)"
        " values ('contacts', 'Contact', 'c', 'upsert', 'X', 'X', 'parent', 'x', 'waiting', %s, 'd', 'r')",
        [parent["id"]],
    )
    child = held.errors("stream = 'contacts'")[0]["id"]
    for kind, status in (("set_aside", "set_aside"), ("reopen", "waiting")):
        assert act(op, kind, child).json()["counts"] == {"done": 1}
        assert held.errors("stream = 'contacts'")[0]["status"] == status
    assert act(op, "reopen", child).json()["counts"] == {"unchanged": 1}


def test_a_retry_is_a_run_of_the_daily_job_for_these_records_only(op: Person, exporter: Exporter, dags: None) -> None:
    exporter.add(*({"id": number, "name": "bad"} for number in range(1, 5)))
    exporter.run(pause=False)
    first, second, third, fourth = (error["id"] for error in exporter.errors())
    action = act(op, "retry", first, second, third).json()
    run = ("CRMExport_ExportError", f"page__{action['id']}", {"action": action["id"]})
    assert started() == [run]
    assert (action["state"], action["counts"]) == ("queued", {"pending": 3})
    exporter.connection.execute("update app.accounts set name = 'good' where id = 1")
    exporter.connection.execute("delete from app.accounts where id = 2")
    work(exporter, action["id"])
    done = op.get(f"api/actions/{action['id']}").json()
    assert done["state"] == "done"
    assert {record["error_id"]: record["result"] for record in done["records"]} == {
        first: "exported",
        second: "gone",
        third: "refused",
    }
    assert [error["attempts"] for error in exporter.errors(f"id in ({third}, {fourth})")] == [2, 1]
    newest = op.get(f"api/errors/{third}").json()["attempts_made"][0]
    assert (newest["actor"], newest["run_id"]) == ("olga", f"page__{action['id']}")


def test_a_whole_cause_is_retried_by_one_run(op: Person, exporter: Exporter, dags: None) -> None:
    exporter.add(*({"id": number, "name": "bad"} for number in range(1, 31)))
    exporter.run(pause=False)
    [cause] = op.get("api/causes").json()["causes"]
    asked = {"kind": "retry", "selection": {"cause": cause["cause"]}}
    assert op.post("api/actions/preview", asked).json()["dags"] == [{"dag_id": "CRMExport_ExportError", "records": 30}]
    exporter.control.switch_rule("no_bad_names", active=False)
    action = op.post("api/actions", asked).json()
    work(exporter, action["id"])
    page = op.get(f"api/actions/{action['id']}", limit=20).json()
    assert (page["counts"], len(page["records"])) == ({"exported": 30}, 20)
    assert len(op.get(f"api/actions/{action['id']}", limit=20, after=page["next"]).json()["records"]) == 10
    assert op.get("api/causes").json()["causes"] == []


@pytest.mark.ux(22)
@pytest.mark.parametrize(
    ("selection", "count"),
    [
        ({"all": True}, 5),
        ({"stream": "accounts"}, 3),
        ({"stream": "contacts"}, 2),
        ({"status": "set_aside"}, 1),
        ({"stream": "contacts", "status": "set_aside"}, 0),
        ({"code": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "stream": "contacts"}, 2),
    ],
)
def test_all_that_a_list_shows_can_be_selected(
    op: Person, exporter: Exporter, selection: dict[str, Any], count: int
) -> None:
    reject(exporter, 3)
    reject(exporter, 2, stream="contacts")
    act(op, "set_aside", exporter.errors()[0]["id"])
    preview = op.post("api/actions/preview", {"kind": "reopen", "selection": selection}).json()
    assert preview["selected"] == count
    chosen = {name: value for name, value in selection.items() if name != "all"}
    assert op.get("api/errors", **chosen, limit=1).json()["total"] == count
    action = op.post("api/actions", {"kind": "set_aside", "selection": selection})
    assert action.status_code == (202 if count else 409)
    if count:
        assert sum(action.json()["counts"].values()) == count


def test_a_record_that_holds_its_stream_is_retried_by_the_export(op: Person, held: Exporter, dags: None) -> None:
    [error] = held.errors()
    action = act(op, "retry", error["id"]).json()
    assert [(dag_id, conf) for dag_id, _, conf in started()] == [("CRMExport", {"action": action["id"]})]


def test_a_record_that_a_retry_did_not_send_has_the_reason(op: Person, exporter: Exporter, dags: None) -> None:
    exporter.add({"id": 1, "name": "bad"}, {"id": 2, "name": "bad"})
    exporter.run(pause=False)
    newer, lost = (error["id"] for error in exporter.errors())
    exporter.change(1, 50)
    action = act(op, "retry", newer).json()
    work(exporter, action["id"])
    [record] = op.get(f"api/actions/{action['id']}").json()["records"]
    assert (record["result"], record["message"]) == (
        "not_tried",
        "Its row has changed since it was rejected: CRMExport sends it.",
    )
    failed = act(op, "retry", lost).json()
    with create_session() as session:
        session.execute(update(DagRun).where(DagRun.run_id == f"page__{failed['id']}").values(state="failed"))
    answer = op.get(f"api/actions/{failed['id']}").json()
    assert (answer["state"], answer["records"][0]["result"]) == ("failed", "not_tried")


def test_a_retry_of_a_held_record_is_a_run_of_the_dag_that_exports_its_stream(
    op: Person, held: Exporter, tmp_path: Path, dags: None
) -> None:
    file = tmp_path / "accounts.yaml"
    file.write_text(file.read_text() + "group: night\nschedule: '0 2 * * *'\n")
    (tmp_path / "contacts.yaml").unlink()  # its parent is in another group now
    [error] = held.errors()
    asked = {"kind": "retry", "selection": {"errors": [error["id"]]}}
    assert op.post("api/actions/preview", asked).json()["dags"] == [{"dag_id": "CRMExport_night", "records": 1}]
    assert op.get(f"api/errors/{error['id']}").json()["next_attempt"]["dag_id"] == "CRMExport_night"
    assert code(act(op, "retry", error["id"])) == (409, "dag_paused")  # Airflow has not read the file yet
    know_dags()
    action = act(op, "retry", error["id"]).json()
    assert started() == [("CRMExport_night", f"page__{action['id']}", {"action": action["id"]})]


def test_the_same_retry_is_not_asked_for_twice(op: Person, exporter: Exporter, dags: None) -> None:
    exporter.add({"id": 1, "name": "bad"})
    exporter.run(pause=False)
    [error] = exporter.errors()
    action = act(op, "retry", error["id"]).json()
    assert code(act(op, "retry", error["id"])) == (409, "already_requested")
    assert len(started()) == 1
    assert len(op.get("api/audit").json()["entries"]) == 1
    work(exporter, action["id"])
    assert act(op, "retry", error["id"]).status_code == 202


def test_nothing_is_asked_of_a_dag_that_would_not_run(op: Person, exporter: Exporter, dags: None) -> None:
    exporter.add({"id": 1, "name": "bad"})
    exporter.run(pause=False)
    [error] = exporter.errors()
    with create_session() as session:
        session.execute(update(DagModel).values(is_paused=True))
    assert code(act(op, "retry", error["id"])) == (409, "dag_paused")
    Variable.set("export_to_crm", "false")
    assert code(act(op, "retry", error["id"])) == (409, "export_off")
    assert code(op.post("api/trials", {"error_id": error["id"]})) == (409, "export_off")
    assert (started(), op.get("api/audit").json()["entries"]) == ([], [])


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "retry", "selection": {}},
        {"kind": "retry", "selection": {"errors": []}},
        {"kind": "retry", "selection": {"errors": [1], "cause": "0123456789abcdef"}},
        {"kind": "retry", "selection": {"object": "Account"}},
        {"kind": "retry", "selection": {"errors": [1], "stream": "accounts"}},
        {"kind": "retry", "selection": {"errors": [1], "all": True}},
        {"kind": "retry", "selection": {"stream": "accounts", "object": "Account"}},
        {"kind": "retry", "selection": {"status": "resolved"}},
        {"kind": "retry", "selection": {"all": False}},
        {"kind": "retry", "selection": {"cause": "' or true --"}},
        {"kind": "delete", "selection": {"errors": [1]}},
        {"kind": "reopen", "selection": {"errors": [1]}, "until": TOMORROW},
        {"kind": "reopen", "selection": {"errors": [1]}, "more": 1},
    ],
)
def test_only_what_the_page_asks_for_is_understood(op: Person, held: Exporter, body: dict[str, Any]) -> None:
    assert code(op.post("api/actions", body)) == (422, "invalid")
    assert held.errors()[0]["status"] == "open"


def test_a_trial_is_shown_to_who_asked_for_it_and_for_an_hour(page: SEAT, held: Exporter, dags: None) -> None:
    op, other = page(), page(name="pedro")
    [error] = held.errors()
    trial = op.post("api/trials", {"error_id": error["id"]}).json()
    assert trial["state"] == "queued"
    assert started() == [("CRMExport", f"page__{trial['id']}", {"try_record": "accounts:2", "trial": trial["id"]})]
    assert code(op.post("api/trials", {"error_id": error["id"]})) == (409, "already_requested")
    outcome = try_record(held.inputs(), "2")
    assert ExportTrials(held.connection).end(trial["id"], outcome) is True
    shown = op.get(f"api/trials/{trial['id']}").json()
    assert (shown["state"], shown["accepted"]) == ("done", False)
    assert '"Name": "bad"' in shown["request"]
    assert "This name is not welcome" in shown["answer"]
    assert code(other.get(f"api/trials/{trial['id']}")) == (404, "not_found")
    held.connection.execute("update crm_export.ExportTrials set asked_at = now() - interval '61 minutes'")
    assert code(op.get(f"api/trials/{trial['id']}")) == (404, "not_found")
    assert ExportTrials(held.connection).expire() == 1

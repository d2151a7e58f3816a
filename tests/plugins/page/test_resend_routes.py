"""Resends from the page: the preview, the confirmed start with its run, the progress."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from sqlalchemy import select

from exporter import Exporter, make_stream
from include.export.ledger import ExportResends, install_schema
from people import Person, code

pytestmark = pytest.mark.filterwarnings("default")  # warnings of Airflow's API server itself
SEAT = Callable[..., Person]
PATH = "api/streams/accounts/resends"


@pytest.fixture
def exported(exporter: Exporter) -> Exporter:
    """Return an exporter with 10 exported accounts, one per minute."""
    exporter.add(*({"id": number} for number in range(1, 11)))
    exporter.run()
    return exporter


def run_ids() -> list[str]:
    with create_session() as session:
        return [str(run) for run in session.scalars(select(DagRun.run_id))]


@pytest.mark.parametrize(
    ("wanted", "rows", "calls", "missing"),
    [
        ({}, 10, 1, []),
        ({"from_at": "2026-01-01T00:03:00Z", "to_at": "2026-01-01T00:05:00Z"}, 3, 1, []),
        ({"from_at": "2026-01-01T03:05:00+03:00"}, 6, 1, []),
        ({"keys": ["3", "4", "99", "abc", "3"]}, 2, 2, ["99", "abc"]),
    ],
)
def test_the_preview_says_what_it_takes_and_changes_nothing(
    op: Person, exported: Exporter, wanted: dict[str, Any], rows: int, calls: int, missing: list[str]
) -> None:
    found = op.post(f"{PATH}/preview", wanted).json()
    assert (found["rows"], found["api_calls"], found["missing"], found["exact"]) == (rows, calls, missing, True)
    assert op.get(PATH).json()["resends"] == []


def test_a_resend_starts_a_run_and_is_followed_to_its_end(op: Person, exported: Exporter, dags: None) -> None:
    started = op.post(PATH, {"reason": "a new field"}).json()
    [resend] = started["resends"]
    assert (resend["state"], resend["rows_total"], resend["rows_sent"]) == ("queued", 10, 0)
    assert (resend["asked_by"], resend["reason"]) == ("olga", "a new field")
    assert resend["run"]["run_id"] == f"page__resend_accounts_{resend['id']}"
    assert run_ids() == [resend["run"]["run_id"]]
    assert resend["run"]["state"] == "queued"
    exported.run(batch_size=4)
    [resend] = op.get(PATH).json()["resends"]
    assert (resend["state"], resend["rows_sent"]) == ("done", 10)
    [entry] = op.get("api/audit").json()["entries"]
    assert (entry["action"], entry["actor"], entry["selection"]) == ("resend", "olga", "accounts")


def test_records_are_sent_again_by_their_keys(op: Person, exported: Exporter, dags: None) -> None:
    started = op.post(PATH, {"keys": ["3", "7", "3"]}).json()
    assert sorted(resend["key"] for resend in started["resends"]) == ["3", "7"]
    assert len(run_ids()) == 1
    before = len(exported.control.writes("Account"))
    exported.run()
    assert [write["fields"]["Ext__c"] for write in exported.control.writes("Account")][before:] == ["A3", "A7"]
    assert {resend["state"] for resend in op.get(PATH).json()["resends"]} == {"done"}


def test_a_resend_is_not_requested_twice_and_a_queued_run_does_both(op: Person, exported: Exporter, dags: None) -> None:
    wanted = {"from_at": "2026-01-01T00:03:00Z"}
    assert op.post(PATH, wanted).status_code == 202
    assert code(op.post(PATH, wanted)) == (409, "already_requested")
    assert op.post(PATH, {"keys": ["1"]}).status_code == 202
    assert len(run_ids()) == 1, "the run that is queued sends both"
    assert len(ExportResends(exported.connection).find_unfinished("accounts")) == 2


def test_nothing_is_asked_for_without_a_run(op: Person, exported: Exporter, dags: None) -> None:
    op.put("api/dags/CRMExport", {"paused": True})
    assert code(op.post(PATH, {})) == (409, "dag_paused")
    op.put("api/dags/CRMExport", {"paused": False})
    assert ExportResends(exported.connection).find_unfinished("accounts") == []


def test_what_was_never_exported_is_not_sent_again(op: Person, exporter: Exporter, dags: None) -> None:
    install_schema(exporter.connection)
    exporter.add({"id": 1})
    assert op.post(f"{PATH}/preview", {}).json()["rows"] == 0
    assert code(op.post(PATH, {})) == (409, "nothing_selected")
    exporter.run()
    assert code(op.post(PATH, {"keys": ["1", "2"]})) == (409, "nothing_selected")
    assert ExportResends(exporter.connection).find_unfinished("accounts") == []


def test_a_held_stream_says_that_it_is_sent_later(op: Person, exported: Exporter, dags: None) -> None:
    exported.add({"id": 11, "name": "bad"})
    exported.run()
    assert op.post(PATH, {}).json()["resends"][0]["state"] == "held"


def test_a_new_field_is_offered_until_the_stream_was_sent_again(op: Person, exported: Exporter, dags: None) -> None:
    exported.stream = make_stream(fields={**exported.stream.fields, "Plain__c": "notes"})
    exported.add({"id": 11})
    exported.run()
    assert op.get(PATH).json()["new_fields"] == ["Plain__c"]
    [alert] = op.get("api/alerts").json()["alerts"]
    assert (alert["kind"], alert["stream"]) == ("new_field", "accounts")
    assert "without the field Plain__c" in alert["sentence"]
    op.post(PATH, {})
    exported.run()
    assert op.get(PATH).json()["new_fields"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"keys": []},
        {"keys": ["1"], "from_at": "2026-01-01T00:00:00Z"},
        {"from_at": "2026-01-02T00:00:00Z", "to_at": "2026-01-01T00:00:00Z"},
        {"from_at": "2026-01-01T00:00:00"},
        {"keys": ["a\x00b"]},
        {"keys": [str(number) for number in range(51)]},
        {"stream": "other"},
    ],
)
def test_what_is_to_be_sent_must_be_clear(op: Person, exported: Exporter, body: dict[str, Any]) -> None:
    for path in (PATH, f"{PATH}/preview"):
        assert code(op.post(path, body)) == (422, "invalid")


def test_a_stream_that_there_is_not_is_named(op: Person, exported: Exporter) -> None:
    assert code(op.get("api/streams/nosuch/resends")) == (404, "not_found")
    assert code(op.post("api/streams/nosuch/resends", {})) == (404, "not_found")


def test_only_whoever_may_retry_may_send_again(page: SEAT, exported: Exporter, dags: None) -> None:
    for role in ("viewer", "user"):
        for path in (PATH, f"{PATH}/preview"):
            assert page(role).post(path, {}).status_code == 403
    assert ExportResends(exported.connection).find_unfinished("accounts") == []

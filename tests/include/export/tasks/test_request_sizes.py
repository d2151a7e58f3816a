"""Requests that are too large for an org: halved, kept small for the next runs, grown again; on every path."""

from __future__ import annotations

import json
from typing import Any

import pytest

from exporter import Exporter
from include.export.failures import SalesforceFailure
from include.export.ledger.runs import Outcome

PATCH = {"method": "PATCH", "path_regex": "composite"}
ROWS = 230


def kept(exporter: Exporter) -> int | None:
    """Return the request size of the next run."""
    row = exporter.connection.execute("select request_rows from crm_export.ExportWatermarks").fetchone()
    assert row is not None
    return row[0]


def sizes(exporter: Exporter, since: int = 0) -> list[int]:
    """Return the rows of each Collections request."""
    calls = [call for call in exporter.calls(since) if call["method"] == "PATCH"]
    return [len(json.loads(call["body"])["records"]) for call in calls]


def slow(exporter: Exporter, per_record: float = 0.04, patience: float = 2.0) -> None:
    """Make the org's automation so slow that only requests of up to 50 records are answered in time."""
    exporter.control.set_requests(automation_seconds={"Account": per_record})
    exporter.timeouts = (5, patience)
    exporter.options = {"lease_seconds": 10.0}


@pytest.mark.field("F18")
@pytest.mark.parametrize("pause", [True, False])
def test_an_org_with_slow_automation_takes_everything_within_one_run(exporter: Exporter, pause: bool) -> None:
    exporter.add_many(1, ROWS)
    slow(exporter)
    report = exporter.run(pause=pause)
    assert (report.outcome, exporter.errors(), len(exporter.names())) == (Outcome.COMPLETE, [], ROWS)
    assert 1 <= (kept(exporter) or 0) <= 50
    assert len(exporter.control.records("Account")) == ROWS


@pytest.mark.field("F18")
def test_the_next_run_begins_with_the_size_that_passed_and_the_daily_job_heals(
    exporter: Exporter, caplog: pytest.LogCaptureFixture
) -> None:
    exporter.add_many(1, 120)
    exporter.connection.execute("update app.accounts set name = 'bad'")
    assert exporter.run(pause=False).rejected == 120
    exporter.control.switch_rule("no_bad_names", active=False)
    slow(exporter)
    assert exporter.reexport(every=True).exported == 120
    assert "Lower crm_export_batch_size" in caplog.text
    size = kept(exporter)
    assert size is not None
    before = exporter.last_call()
    exporter.connection.execute("update app.accounts set changed_at = changed_at + interval '1 day'")
    assert exporter.run().outcome is Outcome.COMPLETE
    assert max(sizes(exporter, before)) <= max(size, 50)
    assert exporter.errors("status <> 'resolved'") == []


@pytest.mark.field("F18")
@pytest.mark.parametrize("pause", [True, False])
@pytest.mark.parametrize(
    "answer",
    [
        {"status": 413, "body": "<html>Request Entity Too Large</html>"},
        {"status": 400, "body": json.dumps([{"errorCode": "REQUEST_RUNNING_TOO_LONG", "message": "too long"}])},
        {"status": 504, "body": "<html>Gateway timeout</html>"},
    ],
    ids=["413", "running too long", "504"],
)
def test_a_request_that_is_too_large_is_halved(exporter: Exporter, answer: dict[str, Any], pause: bool) -> None:
    exporter.add_many(1, 25)
    exporter.control.add_fault(match=PATCH, answer=answer)
    assert exporter.run(pause=pause).outcome is Outcome.COMPLETE
    assert sizes(exporter) == [25, 12, 12, 1]
    assert kept(exporter) == 12
    assert len(exporter.control.writes("Account")) == 25


@pytest.mark.field("F18")
def test_dividing_stops_at_a_rejected_record(exporter: Exporter) -> None:
    exporter.add_many(1, 25)
    exporter.connection.execute("update app.accounts set name = 'bad' where id = 9")
    exporter.control.add_fault(match=PATCH, answer={"status": 413, "body": ""})
    assert exporter.run().outcome is Outcome.HELD
    assert exporter.watermark() == "8"
    assert sorted(exporter.names()) == sorted(f"A{number}" for number in range(1, 9))


@pytest.mark.field("F18")
def test_one_record_that_exceeds_a_limit_does_not_keep_requests_small(exporter: Exporter) -> None:
    exporter.add_many(1, 25)
    message = "T: System.LimitException: Apex CPU time limit exceeded"
    error = {"statusCode": "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "message": message, "fields": []}
    body = json.dumps([{"success": False, "errors": [error]}] * 25)
    exporter.control.add_fault(match=PATCH, answer={"status": 200, "body": body})
    assert exporter.run(pause=False).outcome is Outcome.COMPLETE
    assert exporter.errors() == []
    assert kept(exporter) in {12, 13}


@pytest.mark.field("F18")
def test_requests_grow_again_after_clean_ones(exporter: Exporter) -> None:
    exporter.add_many(1, 200)
    exporter.connection.execute("insert into crm_export.ExportWatermarks (stream, request_rows) values ('accounts', 5)")
    assert exporter.run().outcome is Outcome.COMPLETE
    found = sizes(exporter)
    assert (found[0], max(found)) == (5, 20)
    assert kept(exporter) == 20


@pytest.mark.field("F18")
@pytest.mark.parametrize("pause", [True, False])
def test_a_request_has_a_cap_of_bytes(exporter: Exporter, pause: bool) -> None:
    exporter.add_many(1, 60)
    exporter.connection.execute("update app.accounts set notes = repeat('é', 65000) || repeat('x', 60000)")
    exporter.control.set_requests(most_bytes=5_010_000)  # a larger one gets 413, and a smaller size is kept
    report = exporter.run(pause=pause)
    assert (report.outcome, report.accepted, kept(exporter)) == (Outcome.COMPLETE, 60, None)
    assert all(call["status"] == 200 for call in exporter.calls() if call["method"] == "PATCH")


@pytest.mark.field("F18")
def test_an_org_that_never_answers_fails_the_run_and_names_the_setting(exporter: Exporter) -> None:
    exporter.add_many(1, 10)
    exporter.control.add_fault(match=PATCH, times=99, cut="before")
    with pytest.raises(SalesforceFailure, match="crm_export_batch_size"):
        exporter.run()
    assert (exporter.errors(), exporter.watermark(), kept(exporter)) == ([], None, None)
    exporter.control.clear_faults()
    assert exporter.run().outcome is Outcome.COMPLETE

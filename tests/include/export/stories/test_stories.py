"""The main stories in the laboratory: with any role, pooler or version, every row arrives unchanged."""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import Any

import pytest

from exporter import Exporter
from include.export.failures import RunFailure
from include.export.ledger.runs import Outcome
from include.export.reconcile.orphans import report_orphans

pytestmark = pytest.mark.field("F2", "F17", "F22", "F22b", "F22c")
# change times a day apart: with 'SQL, DMY' a position would be read with day and month exchanged
FILL = """
insert into app.accounts (id, ext, name, notes, amount, since, seen, active, changed_at)
select n, 'A' || n, 'Zoë ' || n, 'für ' || n, 123456789.12345678 + n, date '2025-12-05' + n,
       timestamptz '2025-12-05 10:00:00.25Z' + n * interval '1 day', n %% 2 = 0,
       timestamptz '2025-01-05Z' + n * interval '9 hours'
from generate_series(%s::int, %s::int) n
"""


def fill(exporter: Exporter, first: int, last: int) -> None:
    exporter.source.execute(FILL, [first, last])


def fields_of(exporter: Exporter) -> dict[str, dict[str, Any]]:
    return {each["fields"]["Ext__c"]: each["fields"] for each in exporter.control.records("Account")}


def check_values(exporter: Exporter, first: int, last: int) -> None:
    """Compare every record with its row, as the owner reads it."""
    rows = exporter.source.execute(
        "select ext, name, notes, amount, since::text, seen, active from app.accounts where id between %s and %s",
        [first, last],
    ).fetchall()
    found = fields_of(exporter)
    assert len(rows) == last - first + 1
    for ext, name, notes, amount, since, seen, active in rows:
        sent = found[ext]
        assert (sent["Name"], sent["Notes__c"], sent["Since__c"], sent["Active__c"]) == (name, notes, since, active)
        assert sent["Amount__c"] == amount
        assert datetime.fromisoformat(sent["Seen__c"]) == seen


def test_every_change_is_exported_once_with_its_values(exporter: Exporter) -> None:
    fill(exporter, 1, 60)
    report = exporter.run()
    assert (report.outcome, report.accepted) == (Outcome.COMPLETE, 60)
    check_values(exporter, 1, 60)
    assert exporter.run().rows_changed == 0
    exporter.source.execute(
        "update app.accounts set name = 'Søren', changed_at = changed_at + interval '2 years' where id = 7"
    )
    exporter.source.execute(
        "update app.accounts set deleted_at = now(), changed_at = changed_at + interval '2 years' where id = 8"
    )
    exporter.source.execute("update app.accounts set changed_at = now() - interval '1 hour' where id in (7, 8)")
    assert exporter.run().accepted == 2
    assert (exporter.names()["A7"], "A8" in exporter.names()) == ("Søren", False)


def test_a_stream_is_held_at_a_rejected_record_and_released(exporter: Exporter) -> None:
    fill(exporter, 1, 40)
    exporter.source.execute("update app.accounts set name = 'bad' where id = 30")
    assert exporter.run().outcome is Outcome.HELD
    hold = exporter.gate()
    assert hold is not None
    assert (hold.record_key, exporter.watermark()) == ("30", "29")
    assert exporter.run().outcome is Outcome.HELD
    exporter.control.switch_rule("no_bad_names", active=False)
    assert exporter.run().outcome is Outcome.COMPLETE
    assert exporter.gate() is None
    assert len(exporter.names()) == 40
    assert [error["status"] for error in exporter.errors()] == ["resolved"]


def test_a_row_that_is_gone_ends_a_hold(exporter: Exporter) -> None:
    fill(exporter, 1, 3)
    exporter.source.execute("update app.accounts set name = 'bad' where id = 2")
    assert exporter.run().outcome is Outcome.HELD
    exporter.gate()
    exporter.source.execute("delete from app.accounts where id = 2")
    assert exporter.run().outcome is Outcome.COMPLETE
    assert exporter.errors()[0]["resolved_by"] == "source_deleted"


@pytest.mark.parametrize("pause", [True, False], ids=["on", "off"])
def test_bulk_jobs_with_rejections_lose_nothing(exporter: Exporter, pause: bool) -> None:
    exporter.stream = exporter.stream.model_copy(update={"bulk_from": 30, "bulk_from_paused": 30})
    fill(exporter, 1, 400)
    exporter.source.execute("update app.accounts set name = 'bad' where id in (200, 201, 333)")
    if pause:
        assert exporter.run().outcome is Outcome.HELD
        assert exporter.watermark() == "199"
        exporter.control.switch_rule("no_bad_names", active=False)
        assert exporter.run().outcome is Outcome.COMPLETE
    else:
        report = exporter.run(pause=False)
        assert (report.outcome, report.accepted, report.rejected) == (Outcome.COMPLETE, 397, 3)
        assert [error["record_key"] for error in exporter.errors("status = 'open'")] == ["200", "201", "333"]
        exporter.control.switch_rule("no_bad_names", active=False)
        assert exporter.reexport(every=True).exported == 3
    assert exporter.watermark() == "400"
    check_values(exporter, 1, 400)
    assert [error["status"] for error in exporter.errors() if error["status"] != "resolved"] == []


def test_the_daily_job_sends_todays_values(exporter: Exporter) -> None:
    fill(exporter, 1, 5)
    exporter.source.execute("update app.accounts set name = 'bad' where id in (2, 4)")
    assert exporter.run(pause=False).rejected == 2
    exporter.source.execute("update app.accounts set name = 'Ménage' where id = 2")
    report = exporter.reexport(every=True, pause=False)
    assert (report.tried, report.exported, report.still_rejected) == (2, 1, 1)
    exporter.source.execute("delete from app.accounts where id = 4")
    assert exporter.reexport(every=True, pause=False).gone == 1
    assert exporter.names()["A2"] == "Ménage"


def test_late_rows_and_records_without_a_row_are_found(exporter: Exporter) -> None:
    fill(exporter, 1, 50)
    exporter.run()
    assert exporter.reconcile().late == 0
    exporter.source.execute(
        "insert into app.accounts (id, ext, name, notes, changed_at) values (99, 'A99', 'Zoë 99', '', '2025-01-13Z')"
    )
    report = exporter.reconcile()
    assert (report.late, report.exported) == (1, 1)
    assert exporter.names()["A99"] == "Zoë 99"
    assert report_orphans(exporter.inputs()).without_source == 0
    exporter.source.execute("delete from app.accounts where id = 50")
    assert report_orphans(exporter.inputs()).without_source == 1


@pytest.mark.parametrize("laboratory", ["as a hostile role"], indirect=True)
def test_the_laboratory_finds_a_session_without_the_settings(exporter: Exporter) -> None:
    """If one session writes dates day first and another reads them month first, rows are lost or the run fails."""
    exporter.stream = exporter.stream.model_copy(update={"bulk_from": 30, "bulk_from_paused": 30})
    exporter.connection.execute("set datestyle = 'SQL, DMY'")
    fill(exporter, 1, 60)
    with contextlib.suppress(RunFailure):
        exporter.run()
    with pytest.raises((AssertionError, KeyError)):
        check_values(exporter, 1, 60)

"""Late rows: back-dated, dated by a slow clock, restored, or moved below the watermark."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg import sql

from exporter import CONTACTS, Exporter, make_stream
from include.export.ledger import exported_versions
from include.export.ledger.exported_versions import ExportedVersions
from include.export.ledger.findings import LATE_ROW
from include.export.ledger.runs import Outcome, RunIdentity
from include.export.ledger.schema import install_schema
from include.export.options import ExportOptions
from include.export.positions import Position, Window
from include.export.run.inputs import RunInputs
from include.export.run.lease_scope import open_run
from include.export.source.source import Source
from include.export.streams.stream import Stream


def back_date(exporter: Exporter, *accounts: int) -> None:
    """Update accounts as an application with a slightly slow clock does."""
    exporter.connection.execute(
        "update app.accounts set name = 'late', changed_at = changed_at - interval '1 ms' where id = any (%s)",
        [list(accounts)],
    )


def late_keys(exporter: Exporter) -> list[str]:
    """Return the keys of late rows in open findings."""
    found = exporter.connection.execute(
        "select subject from crm_export.ExportFindings where kind = %s and closed_at is null order by id", [LATE_ROW]
    )
    return [key for (key,) in found]


def test_normal_load_finds_nothing(exporter: Exporter) -> None:
    exporter.add_many(1, 300)
    exporter.run()
    assert (exporter.reconcile().compared, exporter.reconcile().late) == (300, 0)
    for account in range(1, 60):
        exporter.change(account, 100 + account, name=f"changed {account}")
    exporter.connection.execute("delete from app.accounts where id between 100 and 120")
    exporter.run()
    report = exporter.reconcile()
    assert (report.compared, report.late, report.api_calls) == (279, 0, 0)


@pytest.mark.parametrize("pause", [False, True])
def test_what_bulk_jobs_carried_is_known_row_by_row(exporter: Exporter, pause: bool) -> None:
    exporter.stream = make_stream(bulk_from=30, lock_order="kind")
    exporter.add_many(1, 400)
    exporter.connection.execute(
        "update app.accounts set kind = (array['A', 'B'])[1 + id % 2], notes = repeat('x', 200)"
    )
    exporter.connection.execute("update app.accounts set name = 'bad' where id = 150")
    exporter.run(pause=False, job_bytes=20_000)
    exporter.add_many(401, 800)
    exporter.run(pause=pause)
    jobs = exporter.connection.execute(
        "select count(*) from crm_export.ExportBatches where transport = 'bulk'"
    ).fetchone()
    assert jobs is not None
    assert jobs[0] >= 3
    assert (exporter.reconcile().compared, exporter.reconcile().late) == (800, 0)
    back_date(exporter, 90, 350, 500, 799)
    assert exporter.reconcile().exported == 4


@pytest.mark.fault("A10")
def test_every_back_dated_row_is_exported_and_counted(exporter: Exporter) -> None:
    exporter.add_many(1, 300)
    exporter.run()
    exporter.reconcile()
    back_date(exporter, 3, 150, 299)
    exporter.add({"id": 1000, "minute": -5}, {"id": 1001, "minute": 2})  # inserted with a slow clock
    assert exporter.run().rows_sent == 0
    report = exporter.reconcile()
    assert (report.late, report.exported, report.rejected) == (5, 5, 0)
    assert report.message == (
        "302 rows compared, 5 arrived below the watermark: 5 exported, 0 rejected, 0 changed again or gone."
    )
    names = exporter.names()
    assert [names[f"A{n}"] for n in (3, 150, 299)] == ["late"] * 3
    assert {"A1000", "A1001"} < names.keys()
    assert set(late_keys(exporter)) == {"3", "150", "299", "1000", "1001"}
    assert exporter.reconcile().late == 0
    assert late_keys(exporter) == []


@pytest.mark.fault("A10")
def test_a_table_restored_from_yesterday_goes_back_in_salesforce_too(exporter: Exporter) -> None:
    exporter.add_many(1, 20)
    exporter.run()
    exporter.connection.execute("create table app.backup as table app.accounts")
    for account in range(1, 11):
        exporter.change(account, 100 + account, name="of today")
    exporter.run()
    exporter.connection.execute("truncate app.accounts")
    exporter.connection.execute("insert into app.accounts table app.backup")
    report = exporter.reconcile()
    assert (report.compared, report.late, report.exported) == (20, 10, 10)
    assert exporter.names()["A1"] == "Account 1"


@pytest.mark.parametrize("seed", range(4))
def test_random_histories_find_exactly_what_was_not_exported_as_it_is(
    exporter: Exporter, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exported_versions, "ROWS_OF_A_PAGE", 7)
    history = History(exporter, random.Random(seed))
    history.play(120)
    assert history.found > 0


def test_the_histories_notice_a_batch_that_is_not_noted(exporter: Exporter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ExportedVersions, "note", lambda *_, **__: None)
    history = History(exporter, random.Random(1))
    with pytest.raises(AssertionError):
        history.play(120)


class History:
    """Changes rows in every way and tracks which version of each was exported last."""

    def __init__(self, exporter: Exporter, chance: random.Random) -> None:
        self.exporter, self.chance = exporter, chance
        self.exported: dict[int, Any] = {}
        self.clock = 0
        self.last: tuple[Any, int] | None = None
        self.found = 0

    def play(self, steps: int) -> None:
        """Do random steps."""
        for _ in range(steps):
            self.step()

    def step(self) -> None:
        """Do one step and check it."""
        self.chance.choices(
            [self.insert, self.change, self.back_date, self.delete, self.export, self.reconcile], [3, 3, 5, 1, 3, 2]
        )[0]()

    def insert(self) -> None:
        account = self.chance.randint(1, 12)
        self.exporter.connection.execute("delete from app.accounts where id = %s", [account])
        self.exporter.add({"id": account, "minute": self.now(), "name": self.chance.choice(["good", "good", "bad"])})

    def change(self) -> None:
        self.exporter.change(self.chance.randint(1, 12), self.now(), name="changed")

    def back_date(self) -> None:
        self.exporter.change(self.chance.randint(1, 12), self.chance.randint(0, self.clock // 2), name="late")

    def delete(self) -> None:
        self.exporter.connection.execute("delete from app.accounts where id = %s", [self.chance.randint(1, 12)])

    def now(self) -> int:
        self.clock += 1
        return self.clock

    def export(self) -> None:
        self.exporter.run(pause=False, batch_size=25)
        before = self.last
        rows = self.rows()
        if self.exporter.watermark() is None:
            return
        self.last = self.watermark()
        self.exported |= {
            key: moment for key, moment in rows.items()
            if (moment, key) <= self.last and (before is None or (moment, key) > before)
        }  # fmt: skip

    def reconcile(self) -> None:
        report = self.exporter.reconcile(batch_size=25)
        if self.last is None:
            assert report.compared == 0
            return
        below = {key: moment for key, moment in self.rows().items() if (moment, key) <= self.last}
        late = {key for key, moment in below.items() if self.exported.get(key) != moment}
        assert (report.compared, report.late) == (len(below), len(late))
        assert {int(key) for key in late_keys(self.exporter)} == late
        self.exported |= below
        self.found += len(late)

    def rows(self) -> dict[int, Any]:
        """Return the change time of each account."""
        return dict(self.exporter.connection.execute("select id, changed_at from app.accounts").fetchall())

    def watermark(self) -> tuple[Any, int]:
        """Return the watermark as Python compares it: the keys are numbers here."""
        row = self.exporter.connection.execute(
            "select cursor_at, record_key::int from crm_export.ExportWatermarks"
        ).fetchone()
        assert row is not None
        return row


def test_a_late_row_that_is_rejected_is_an_export_error_and_does_not_stop_the_stream(exporter: Exporter) -> None:
    exporter.add({"id": 1}, {"id": 2})
    exporter.run()
    exporter.add({"id": 3, "minute": 1, "name": "bad"})
    report = exporter.reconcile()
    assert (report.late, report.exported, report.rejected) == (1, 0, 1)
    [error] = exporter.errors()
    assert (error["record_key"], error["status"], error["holding"]) == ("3", "open", False)
    assert exporter.gate() is None
    assert exporter.reconcile().late == 0, "it is listed, and the daily job sends it again"
    exporter.control.switch_rule("no_bad_names", active=False)
    assert exporter.reexport().exported == 1


def test_a_held_stream_gets_its_late_rows_and_stays_held(exporter: Exporter) -> None:
    exporter.add({"id": 1}, {"id": 2}, {"id": 3, "name": "bad"}, {"id": 4})
    exporter.run()
    back_date(exporter, 1)
    report = exporter.reconcile()
    assert (report.compared, report.late, report.exported) == (2, 1, 1)
    assert exporter.names() == {"A1": "late", "A2": "Account 2"}
    assert exporter.watermark() == "2"
    assert exporter.gate() is not None


def test_keys_that_are_text_are_compared_in_the_order_of_the_watermark(exporter: Exporter) -> None:
    exporter.stream = Stream(**(CONTACTS | {"after": (), "fields": {"Ext__c": "ext", "LastName": "name"}}))
    rows = [(f"{letter}{number}", f"X{letter}{number}") for number in range(20) for letter in ("a", "B", "é", "_")]
    exporter.connection.cursor().executemany(
        "insert into app.contacts (id, ext, name, changed_at) values (%s, %s, 'Name', '2026-01-01Z')", rows
    )
    exporter.run()
    exporter.connection.execute("insert into app.contacts values ('A0', 'XA0', 'Late', null, '2026-01-01Z')")
    report = exporter.reconcile()
    assert (report.compared, report.late, report.exported) == (81, 1, 1)
    assert exporter.reconcile().late == 0


def test_a_check_that_dies_finds_the_same_again(exporter: Exporter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exported_versions, "ROWS_OF_A_PAGE", 5)
    exporter.add_many(1, 30)
    exporter.run()
    back_date(exporter, 2, 17, 29)
    source = Source(exporter.stream, exporter.connection)
    row = exporter.connection.execute("select cursor_at::text, record_key from crm_export.ExportWatermarks").fetchone()
    assert row is not None
    versions = ExportedVersions(exporter.connection, "accounts")
    pages = versions.compare(source, versions.find_changed(source, Position(*row), versions.unpack()))
    assert [page.late for page, _ in zip(pages, range(4), strict=False)] == [["2"], [], [], ["17"]]
    report = exporter.reconcile()
    assert (report.compared, report.late, report.exported) == (30, 3, 3)


def test_without_credits_it_stops_and_goes_on_the_next_day(exporter: Exporter) -> None:
    exporter.add_many(1, 30)
    exporter.run()
    back_date(exporter, *range(1, 31))
    spent = exporter.reconcile(batch_size=25, daily_api_limit=1)
    assert (spent.late, spent.exported) == (30, 0)
    assert spent.message.endswith("The daily API limit is spent; the next run continues.")
    assert exporter.reconcile(batch_size=25).exported == 30


def test_it_waits_for_a_run_of_the_same_stream_and_goes_on_when_that_has_died(
    exporter: Exporter, connect: Callable[..., psycopg.Connection]
) -> None:
    exporter.add({"id": 1})
    exporter.run()
    back_date(exporter, 1)
    options = ExportOptions(pause_on_export_errors=True, lease_seconds=0.6)
    other = RunInputs(exporter.stream, connect(), exporter.client(), exporter.catalogue, options,
                  RunIdentity("CRMExport", "other", 1, "export_changes"))  # fmt: skip
    with open_run(other, "export") as run:
        assert run is not None
        assert exporter.reconcile().exported == 1


def test_rows_exported_before_the_table_was_there_are_taken_on_trust(exporter: Exporter) -> None:
    exporter.add_many(1, 50)
    exporter.run()
    exporter.connection.execute("drop table crm_export.ExportedVersions")
    exporter.connection.execute("comment on schema crm_export is 'CRM Export schema 1'")
    install_schema(exporter.connection)
    assert exporter.reconcile().late == 0
    back_date(exporter, 7)
    assert exporter.reconcile().late == 1


def test_a_bulk_job_is_confirmed_up_to_the_row_of_the_watermark(exporter: Exporter) -> None:
    exporter.add_many(1, 30)
    source, versions = Source(exporter.stream, exporter.connection), ExportedVersions(exporter.connection, "accounts")
    tenth, thirtieth = (position_of(exporter, account) for account in (10, 30))
    window, everything = Window(tenth, thirtieth), sql.Composed([])
    versions.stage(source, 7, window, everything, sql.SQL("false"))
    back_date(exporter, 15)  # after the job's rows were read
    versions.confirm(source, [7], window, position_of(exporter, 20))
    found = exporter.connection.execute("select row_count, staged_for from crm_export.ExportedVersions").fetchall()
    assert found == [(10, None)]
    changed = versions.find_changed(source, position_of(exporter, 20), versions.unpack())
    late = [key for page in versions.compare(source, changed) for key in page.late]
    assert late == [*map(str, range(1, 11)), "15"]
    versions.stage(source, 8, window, everything, sql.SQL("false"))
    versions.confirm(source, [8], window, None)
    assert exporter.connection.execute(
        "select count(*) from crm_export.ExportedVersions where cursor_at is null"
    ).fetchone() == (0,)


def position_of(exporter: Exporter, account: int) -> Position:
    """Return the state of an account."""
    row = exporter.connection.execute(
        "select changed_at::text, id::text from app.accounts where id = %s", [account]
    ).fetchone()
    assert row is not None
    return Position(*row)


@pytest.mark.field("F13")
def test_a_stream_that_looks_back_sends_what_arrives_late_and_nothing_twice(exporter: Exporter) -> None:
    exporter.stream = make_stream(look_back="2h")
    exporter.add_many(1, 300, minute=600)
    exporter.run()
    calls = exporter.last_call()
    assert exporter.run().outcome is Outcome.COMPLETE
    assert exporter.calls(calls) == []
    exporter.add({"id": 900, "minute": 550}, {"id": 901, "minute": 100}, {"id": 902, "name": "bad", "minute": 560})
    exporter.change(7, 601, name="changed in place")
    report = exporter.run()
    assert report.outcome is Outcome.COMPLETE
    names = exporter.names()
    assert (names["A900"], names["A7"], "A901" in names) == ("Account 900", "changed in place", False)
    assert [error["record_key"] for error in exporter.errors()] == ["902"]
    calls = exporter.last_call()
    exporter.run()
    assert exporter.calls(calls) == []
    assert exporter.reconcile().late == 1
    calls = exporter.last_call()
    exporter.run()
    assert exporter.calls(calls) == []


@pytest.mark.field("F13")
@pytest.mark.parametrize("look_back", [None, "2h"])
def test_the_first_run_over_a_source_that_fills_later_says_so(
    exporter: Exporter, caplog: pytest.LogCaptureFixture, look_back: str | None
) -> None:
    exporter.add({"id": 1})
    exporter.connection.execute("create materialized view app.filled as select * from app.accounts")
    exporter.stream = make_stream(source="app.filled", look_back=look_back)
    exporter.run()
    exporter.run()
    detail = [each.getMessage() for each in caplog.records if "is a materialized view" in each.getMessage()]
    assert len(detail) == (0 if look_back else 1)
    assert all("set look_back in accounts.yaml" in each for each in detail)


@pytest.mark.field("F13")
def test_many_late_rows_are_one_finding_with_their_number(exporter: Exporter) -> None:
    exporter.add_many(1000, 1010, minute=900)
    exporter.run()
    exporter.add_many(1, 150)
    assert exporter.reconcile().late == 150
    rows = exporter.connection.execute("select subject, told from crm_export.ExportFindings").fetchall()
    assert [subject for subject, _ in rows] == ["app.accounts"]
    assert rows[0][1].startswith("150 rows arrived")

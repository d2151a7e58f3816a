"""A check gives up its lease between pages: exports get turns, and the check still finds every late row."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from exporter import CONTACTS, Exporter
from include.export.failures import LeaseLost, SourceFailure
from include.export.ledger import exported_versions
from include.export.ledger.exported_versions import ExportedVersions
from include.export.ledger.runs import Outcome
from include.export.ledger.watermarks import ExportWatermarks
from include.export.reconcile import late_rows
from include.export.run import RunContext, give_turn, without_lease
from include.export.streams.stream import Stream
from include.export.tasks.export import ExportReport

Connect = Callable[..., psycopg.Connection]
ROWS, LATE = 30, (2, 17, 29)
WANT = "update crm_export.ExportWatermarks set lease_wanted_at = clock_timestamp() - %s * interval '1 second'"
TAKE = (
    "update crm_export.ExportWatermarks set lease_owner = 'other', lease_epoch = lease_epoch + 1,"
    " lease_until = clock_timestamp() + interval '20 seconds'"
)


@pytest.fixture
def checked(exporter: Exporter, monkeypatch: pytest.MonkeyPatch) -> Exporter:
    """Return an exporter of thirty accounts in pages of five, three of which are late."""
    monkeypatch.setattr(exported_versions, "ROWS_OF_A_PAGE", 5)
    exporter.options["lease_seconds"] = 20
    exporter.add_many(1, ROWS)
    exporter.run()
    exporter.connection.execute(
        "update app.accounts set name = 'late', changed_at = changed_at - interval '1 ms' where id = any (%s)",
        [list(LATE)],
    )
    return exporter


@pytest.fixture
def other(checked: Exporter, connect: Connect) -> Exporter:
    """Return the exporter of another process."""
    return replace(checked, connection=connect())


@pytest.fixture
def behind_page(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Callable[[], Any]], None]:
    """Return a function that runs an action after a page of the check, before it reads whether its lease is wanted."""

    def plan(page: int, act: Callable[[], Any]) -> None:
        seen = iter(range(1, 1_000))

        def turn(run: RunContext) -> bool:
            if next(seen) == page:
                act()
            return give_turn(run)

        monkeypatch.setattr(late_rows, "give_turn", turn)

    return plan


def wait_for_want(connection: psycopg.Connection) -> None:
    """Wait until somebody wants the lease."""
    deadline = time.monotonic() + 20
    while not ExportWatermarks(connection).is_wanted("accounts"):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def read_ends(exporter: Exporter) -> list[str]:
    """Return the kinds of the runs in the order of their ends."""
    rows = exporter.connection.execute(
        "select kind from crm_export.ExportRuns where ended_at is not null order by ended_at"
    )
    return [kind for (kind,) in rows]


@pytest.mark.fault("A10")
def test_an_export_that_meets_a_check_gets_its_turn_and_the_check_finds_all(
    checked: Exporter, other: Exporter, behind_page: Callable[..., None]
) -> None:
    started: list[Future[ExportReport]] = []
    with ThreadPoolExecutor(1) as threads:

        def start() -> None:
            checked.add({"id": 100, "minute": 900})
            started.append(threads.submit(other.run))
            wait_for_want(checked.connection)

        behind_page(3, start)
        report = checked.reconcile()
        exported = started[0].result()
    assert (exported.outcome, exported.rows_sent, other.watermark()) == (Outcome.COMPLETE, 1, "100")
    assert read_ends(checked) == ["export", "export", "reconcile"]
    assert (report.compared, report.late, report.exported) == (ROWS, len(LATE), len(LATE))
    assert {checked.names()[f"A{account}"] for account in LATE} == {"late"}
    again = checked.reconcile()
    assert (again.compared, again.late) == (ROWS + 1, 0)


@pytest.mark.fault("G1")
def test_a_check_that_is_cut_off_in_a_turn_has_lost_nothing(
    checked: Exporter, other: Exporter, connect: Connect, behind_page: Callable[..., None]
) -> None:
    for page in (1, 4, 3):  # the third check begins with the first page that was not packed as a whole
        mine = replace(checked, connection=connect())
        behind_page(page, mine.connection.close)
        with pytest.raises((SourceFailure, psycopg.OperationalError)):
            mine.reconcile(lease_seconds=0.2)
    report = other.reconcile()
    assert (report.compared, report.late) == (ROWS, 0), "the late rows were sent before the check ended"
    assert {checked.names()[f"A{account}"] for account in LATE} == {"late"}


def test_a_want_of_a_run_that_died_expires(checked: Exporter, behind_page: Callable[..., None]) -> None:
    behind_page(2, lambda: checked.connection.execute(WANT, [9.0]))
    begun = time.monotonic()
    report = checked.reconcile()
    assert (report.compared, report.late) == (ROWS, len(LATE))
    assert 0.9 < time.monotonic() - begun < 10
    checked.connection.execute(WANT, [11.0])
    assert not ExportWatermarks(checked.connection).is_wanted("accounts")


@pytest.mark.fault("D3")
def test_a_check_that_has_lost_its_lease_writes_nothing_more(
    checked: Exporter, other: Exporter, behind_page: Callable[..., None]
) -> None:
    def lose() -> None:
        other.connection.execute(TAKE)
        lost.append(read_lines(other))

    lost: list[list[tuple[Any, ...]]] = []
    behind_page(2, lose)
    with pytest.raises(LeaseLost):
        checked.reconcile()
    assert read_lines(other) == lost[0]
    other.connection.execute("update crm_export.ExportWatermarks set lease_until = null")
    assert other.reconcile().late == 2


def read_lines(exporter: Exporter) -> list[tuple[Any, ...]]:
    """Return the rows of ExportedVersions."""
    return exporter.connection.execute("select * from crm_export.ExportedVersions order by id").fetchall()


def test_a_check_ends_when_another_one_began_in_a_turn(
    checked: Exporter, other: Exporter, behind_page: Callable[..., None]
) -> None:
    def take_over() -> None:
        other.connection.execute(WANT, [9.3])
        other.connection.execute("update crm_export.ExportWatermarks set check_epoch = lease_epoch + 1")

    behind_page(2, take_over)
    report = checked.reconcile()
    assert report.compared == 10
    assert report.message.endswith("Another check of stream accounts began meanwhile; that one continues.")
    assert other.reconcile().late == len(LATE) - 1


def test_a_second_check_waits_for_the_first_and_asks_for_no_turns(
    checked: Exporter, other: Exporter, behind_page: Callable[..., None]
) -> None:
    started: list[Future[Any]] = []
    with ThreadPoolExecutor(1) as threads:

        def start() -> None:
            started.append(threads.submit(other.reconcile))
            time.sleep(0.5)
            assert not ExportWatermarks(checked.connection).is_wanted("accounts")

        behind_page(1, start)
        assert checked.reconcile().late == len(LATE)
        assert started[0].result().late == 0


def test_a_stream_that_is_begun_anew_in_a_turn_is_left_to_the_next_check(
    checked: Exporter, other: Exporter, behind_page: Callable[..., None]
) -> None:
    def begin_anew() -> None:
        other.connection.execute("update crm_export.ExportWatermarks set cursor_at = null, record_key = null")
        other.connection.execute(WANT, [9.3])

    behind_page(2, begin_anew)
    assert checked.reconcile().message.endswith("Stream accounts was restarted meanwhile; the next check compares it.")


def test_what_is_exported_in_a_turn_counts_as_exported(
    checked: Exporter, other: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 28 is exported in a newer version in the turn, and restored before its page is compared."""
    pages = iter(range(1, 100))

    def turn(run: RunContext) -> bool:
        if next(pages) != 2:
            return False
        with without_lease(run):
            before = other.connection.execute("select changed_at from app.accounts where id = 28").fetchone()
            other.change(28, 900, name="newer")
            other.run()
            other.connection.execute("update app.accounts set name = 'restored', changed_at = %s where id = 28", before)
        return True

    monkeypatch.setattr(late_rows, "give_turn", turn)
    report = checked.reconcile()
    assert (report.compared, report.late) == (ROWS, len(LATE) + 1)
    assert checked.names()["A28"] == "restored"
    assert checked.reconcile().late == 0


def test_pages_without_a_change_are_read_without_the_lease(
    checked: Exporter, other: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked.reconcile()
    assert checked.reconcile().late == 0, "the late rows are packed now"
    walked, holders = spy(monkeypatch, other)
    report = checked.reconcile()
    assert (report.compared, report.late, walked, holders) == (ROWS, 0, [], [None])
    checked.connection.execute("update app.accounts set changed_at = changed_at - interval '1 ms' where id = 12")
    checked.connection.execute("delete from app.accounts where id = 22")
    report = checked.reconcile()
    assert (report.compared, report.late) == (ROWS - 1, 1)
    assert 0 < sum(walked) <= 10, "two pages of five"


def spy(monkeypatch: pytest.MonkeyPatch, other: Exporter) -> tuple[list[int], list[Any]]:
    """Return two lists: the rows of each page that is read, and who holds the lease when lines are compared."""
    walked: list[int] = []
    holders: list[Any] = []
    compare_page, look = ExportedVersions._compare_page, ExportedVersions._look

    def compare_and_note(self: ExportedVersions, *given: Any) -> Any:
        found = compare_page(self, *given)
        walked.append(found.rows)
        return found

    def look_and_note(self: ExportedVersions, *given: Any) -> Any:
        holders.append(ExportWatermarks(other.connection).find_holder("accounts"))
        return look(self, *given)

    monkeypatch.setattr(ExportedVersions, "_compare_page", compare_and_note)
    monkeypatch.setattr(ExportedVersions, "_look", look_and_note)
    return walked, holders


def test_a_row_that_was_exported_since_is_not_taken_for_unchanged(checked: Exporter) -> None:
    """Row 10 was exported in a newer version since the last check, and restored: its page looks as it was packed."""
    checked.reconcile()
    checked.reconcile()
    before = checked.connection.execute("select changed_at from app.accounts where id = 10").fetchone()
    checked.change(10, 900, name="newer")
    checked.run()
    checked.connection.execute("update app.accounts set name = 'restored', changed_at = %s where id = 10", before)
    assert checked.reconcile().late == 1
    assert checked.names()["A10"] == "restored"


def test_many_lines_are_looked_at_a_few_at_a_time(checked: Exporter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exported_versions, "LINES_OF_A_LOOK", 2)
    checked.reconcile()
    checked.reconcile()
    walked, holders = spy(monkeypatch, checked)
    assert (checked.reconcile().compared, walked) == (ROWS, [])
    assert len(holders) >= 3


def test_a_child_stream_is_exported_while_its_parent_is_checked(checked: Exporter, connect: Connect) -> None:
    taken = ExportWatermarks(connect()).take_lease("accounts", "CRMExport_Reconcile/x/y/1/z", 20, yields=True)
    assert taken is not None
    child = replace(checked, stream=Stream(**CONTACTS))
    assert child.run().outcome is Outcome.COMPLETE

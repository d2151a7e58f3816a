"""A run that ends at any point, by SIGKILL or SIGTERM, and a correct next run."""

from __future__ import annotations

import random
import time

import pytest

from exporter import CONTACTS, Exporter
from include.export.ledger.runs import Outcome
from include.export.streams.stream import Stream
from killing import Mortals, Story, targets
from points import Point

pytestmark = pytest.mark.timeout(1800)
BATCH = 4
PATCH = {"method": "PATCH", "path_regex": "composite"}


@pytest.fixture
def mortals(mortals: Mortals) -> Mortals:
    mortals.options["batch_size"] = BATCH
    return mortals


@pytest.mark.fault("G1")
@pytest.mark.parametrize("rejected", [False, True], ids=["clean", "one rejected"])
@pytest.mark.parametrize("pause", [True, False], ids=["on", "off"])
def test_a_run_killed_at_any_point_loses_nothing(mortals: Mortals, pause: bool, rejected: bool, whole: bool) -> None:
    story = Story(mortals.exporter, rejected)
    story.begin()
    points = mortals.run(pause=pause).points
    assert len(points) >= 40
    for point in targets(points, whole=whole):
        story.begin()
        end = mortals.run(pause=pause, target=point)
        assert (end.killed, end.points[-1]) == (True, point.name)
        see_the_next_run(story, pause=pause)


@pytest.mark.fault("G1")
def test_runs_killed_at_random_times_lose_nothing(mortals: Mortals, whole: bool) -> None:
    story, chance = Story(mortals.exporter, rejected=True), random.Random(1)
    for number in range(150 if whole else 10):
        story.begin()
        mortals.run(pause=bool(number % 2), after=chance.uniform(0.001, 0.15))
        see_the_next_run(story, pause=bool(number % 2))


@pytest.mark.fault("G2")
@pytest.mark.parametrize("pause", [True, False], ids=["on", "off"])
def test_a_run_that_airflow_asks_to_end_ends_at_once_and_acknowledges_nothing_early(
    airflow_mortals: Mortals, pause: bool, whole: bool
) -> None:
    story = Story(airflow_mortals.exporter, rejected=True)
    story.begin()
    points = airflow_mortals.run(pause=pause).points
    for point in targets(points, whole=whole, first=int(pause), step=2):
        story.begin()
        end = airflow_mortals.run(pause=pause, target=point, signal="SIGTERM")
        assert point.name in end.points
        assert (end.killed, str(end.report)[:10]) == (False, "SystemExit")
        assert end.seconds < 5
        see_the_next_run(story, pause=pause)


@pytest.mark.fault("G2")
def test_a_run_that_waits_for_salesforce_ends_when_it_is_asked_to(airflow_mortals: Mortals) -> None:
    story = Story(airflow_mortals.exporter, rejected=True)
    story.begin()
    story.exporter.control.add_fault(match=PATCH, delay_seconds=20, cut="before")
    end = airflow_mortals.run(pause=True, behind="before PATCH composite/sobjects/Account/Ext__c", signal="SIGTERM")
    assert (end.killed, str(end.report)[:10]) == (False, "SystemExit")
    assert end.seconds < 5
    story.exporter.control.clear_faults()
    see_the_next_run(story, pause=True)


@pytest.mark.fault("G2")
def test_a_call_that_was_still_under_way_is_over_before_the_next_run_sends_anything(airflow_mortals: Mortals) -> None:
    story = Story(airflow_mortals.exporter)
    story.begin()
    story.exporter.control.add_fault(match=PATCH, delay_seconds=2)
    airflow_mortals.options["lease_seconds"] = 3
    end = airflow_mortals.run(pause=True, behind="before PATCH composite/sobjects/Account/Ext__c", signal="SIGTERM")
    assert (end.killed, str(end.report)[:10]) == (False, "SystemExit")
    assert end.points[-1] == "after: Closes the line of a run"
    story.exporter.control.clear_faults()
    assert story.exporter.names() == {}, "Salesforce has finished with the call: nothing is shown"
    see_the_next_run(story, pause=True)
    while any(call["status"] == 0 for call in story.exporter.control.requests()):
        time.sleep(0.05)
    story.check_end(set())


@pytest.mark.fault("G1", "E6")
@pytest.mark.parametrize("healed", [True, False], ids=["healed", "still rejected"])
def test_a_reexport_killed_at_any_point_loses_nothing(mortals: Mortals, healed: bool, whole: bool) -> None:
    story = Story(mortals.exporter, rejected=True)

    def begin() -> None:
        story.begin()
        story.exporter.run(pause=False, batch_size=BATCH)
        if healed:
            story.repair()

    begin()
    points = mortals.run("reexport", pause=True).points
    assert len(points) >= 20
    for point in targets(points, whole=whole):
        begin()
        end = mortals.run("reexport", pause=True, target=point)
        assert (end.killed, end.points[-1]) == (True, point.name)
        story.check_moment()
        story.change()
        story.exporter.reexport(every=True)
        [error] = story.exporter.errors()
        attempts = count_attempts(story.exporter, "accepted")
        assert (error["status"], attempts) == (("resolved", 1) if healed else ("open", 0))
        story.repair()
        story.exporter.run(pause=False, batch_size=BATCH)
        story.exporter.reexport(every=True)
        story.check_moment()
        story.check_end(set())
        assert count_attempts(story.exporter, "accepted") == 1


@pytest.mark.fault("G1", "A10")
def test_a_check_for_late_rows_killed_at_any_point_loses_none(mortals: Mortals, whole: bool) -> None:
    story = Story(mortals.exporter)

    def begin() -> None:
        story.begin()
        story.exporter.run(pause=False, batch_size=BATCH)
        story.exporter.add({"id": 11, "minute": 1}, {"id": 12, "minute": 1, "name": "bad"})
        story.exporter.change(5, 2, name="Account 5, changed")

    begin()
    points = mortals.run("reconcile", pause=True, rows_of_a_page=5).points
    assert len(points) >= 20
    for point in targets(points, whole=whole):
        begin()
        end = mortals.run("reconcile", pause=True, target=point, rows_of_a_page=5)
        assert (end.killed, end.points[-1]) == (True, point.name)
        story.exporter.run(pause=False, batch_size=BATCH)
        story.exporter.reconcile()
        assert story.exporter.reconcile().late == 0
        story.check_moment()
        story.check_end({"12"})


@pytest.mark.fault("G1")
def test_a_gate_killed_at_any_point_holds_or_releases_at_its_next_attempt(mortals: Mortals) -> None:
    story = Story(mortals.exporter, rejected=True)
    for pause in (True, False):
        story.begin()
        story.exporter.run(batch_size=BATCH)
        points = mortals.run("gate", pause=pause).points
        for point in targets(points, whole=True):
            story.begin()
            story.exporter.run(batch_size=BATCH)
            assert mortals.run("gate", pause=pause, target=point).killed
            assert (story.exporter.gate(pause=pause) is not None) == pause
            assert story.exporter.errors()[0]["holding"] == pause
            assert story.exporter.watermark() == "5"
            see_the_next_run(story, pause=pause)


@pytest.mark.fault("G1")
def test_an_export_that_releases_children_killed_at_any_point_loses_none(mortals: Mortals, whole: bool) -> None:
    exporter = mortals.exporter
    story, accounts, contacts = Story(exporter, rejected=True), exporter.stream, Stream(**CONTACTS)

    def begin() -> None:
        exporter.stream = accounts
        story.begin()
        exporter.connection.execute(
            "insert into app.contacts select 'c' || n, 'C' || n, 'Name ' || n, 'A' || n, '2026-01-01'"
            " from generate_series(5, 7) n"
        )
        exporter.run(pause=False)
        exporter.stream = contacts
        exporter.run(pause=False)
        exporter.stream = accounts
        story.repair()
        exporter.reexport(every=True)
        exporter.stream = contacts

    begin()
    points = mortals.run(pause=True).points
    assert "after PATCH composite/sobjects/Contact/Ext__c" in points
    for point in targets(points, whole=whole):
        begin()
        end = mortals.run(pause=True, target=point)
        assert (end.killed, end.points[-1]) == (True, point.name)
        assert exporter.run().outcome is Outcome.COMPLETE
        assert exporter.names("Contact") == {f"C{n}": f"Name {n}" for n in (5, 6, 7)}
        assert exporter.errors("status <> 'resolved'") == []


def count_attempts(exporter: Exporter, outcome: str) -> int:
    row = exporter.connection.execute(
        "select count(*) from crm_export.ExportErrorAttempts where outcome = %s", [outcome]
    ).fetchone()
    return int(row[0]) if row else 0


def test_the_line_of_a_killed_run_is_closed_by_the_next(mortals: Mortals) -> None:
    story = Story(mortals.exporter)
    story.begin()
    mortals.run(pause=True, target=Point("after GET sobjects/Account/describe"))
    mortals.exporter.run()
    lines = mortals.exporter.connection.execute(
        "select outcome, message from crm_export.ExportRuns order by id"
    ).fetchall()
    assert [outcome for outcome, _ in lines] == ["failed", "complete"]
    assert "ended without reporting why" in lines[0][1]


def see_the_next_run(story: Story, *, pause: bool) -> None:
    """Change the source, run again, repair the rejected row and run once more; check everything in between."""
    exporter = story.exporter
    story.check_moment()
    story.change()
    report = exporter.run(pause=pause, batch_size=BATCH)
    story.check_moment()
    assert report.outcome is (Outcome.HELD if pause and story.rejected else Outcome.COMPLETE)
    if not story.rejected:
        story.check_end(set())
        return
    [error] = exporter.errors()
    assert (error["record_key"], error["status"]) == ("6", "open")
    assert (exporter.gate(pause=pause) is not None) == pause
    story.repair()
    exporter.run(pause=pause, batch_size=BATCH)
    exporter.reexport(every=True)
    story.check_moment()
    story.check_end(set())

"""A run with Bulk jobs ends at any point: the next run adopts or aborts them, and resends no row of a closed job."""

from __future__ import annotations

import random

import pytest

from exporter import make_stream
from include.export.failures import SalesforceFailure
from include.export.ledger.runs import Outcome
from killing import Mortals, Story, targets

pytestmark = pytest.mark.timeout(1800)
STORIES = ("clean", "one rejected", "job failed")
OPTIONS = {"batch_size": 4, "poll_delays": (0.01, 0.03)}


@pytest.fixture
def mortals(mortals: Mortals) -> Mortals:
    mortals.exporter.stream = make_stream(bulk_from=10)
    mortals.exporter.options = dict(OPTIONS)
    mortals.options |= OPTIONS
    return mortals


def begin(story: Story, happens: str) -> None:
    story.begin()
    story.exporter.control.set_bulk(batch_rows=4)
    if happens == "job failed":
        story.exporter.control.add_job_fault(fail="InternalServerError : planted", fail_after_batches=1)


@pytest.mark.fault("G1", "G6", "B7", "D9")
@pytest.mark.parametrize("happens", STORIES)
@pytest.mark.parametrize("pause", [True, False], ids=["on", "off"])
def test_a_run_killed_at_any_point_loses_nothing_and_adopts_its_jobs(
    mortals: Mortals, pause: bool, happens: str, whole: bool
) -> None:
    story = Story(mortals.exporter, rejected=happens == "one rejected", rows=30)
    begin(story, happens)
    points = mortals.run(pause=pause).points
    assert {"after POST jobs/ingest", "after PUT jobs/ingest/JOB/batches", "after PATCH jobs/ingest/JOB"} <= set(points)
    share = STORIES.index(happens) + int(pause)  # two of the six stories share a point
    for point in targets(points, whole=whole, first=share % 3, step=3):
        begin(story, happens)
        end = mortals.run(pause=pause, target=point)
        if happens == "job failed" and not end.killed:
            continue  # the run ended before the upload after the failed job reached this point
        if not end.killed:  # threads reach some points in another order each time
            begin(story, happens)
            end = mortals.run(pause=pause, target=point)
        assert end.killed
        assert point.name in end.points  # another thread may have reached one since
        story.check_moment()
        story.change()
        see_the_next_run(story, pause=pause, happens=happens)
        repeated = 6 if pause and story.rejected else 0  # the number of rows after the rejected one in its job
        assert story.count_repeated() <= repeated, point


@pytest.mark.fault("G1")
@pytest.mark.parametrize("happens", ["one rejected", "job failed"])
@pytest.mark.parametrize("pause", [True, False], ids=["on", "off"])
def test_a_run_with_several_jobs_in_flight_killed_at_any_point_loses_nothing(
    mortals: Mortals, pause: bool, happens: str, whole: bool
) -> None:
    exporter = mortals.exporter
    exporter.stream = make_stream(bulk_from=10, lock_order="name")
    exporter.options |= {"job_bytes": 9}  # rows: the first batch, a delete, gives no estimate of their size
    mortals.options |= exporter.options
    story = Story(exporter, rejected=happens == "one rejected", rows=30)
    begin(story, happens)
    points = mortals.run(pause=pause).points
    assert points.count("after POST jobs/ingest") >= 2
    for point in targets(points, whole=whole, first=int(pause), step=4):
        begin(story, happens)
        end = mortals.run(pause=pause, target=point)
        assert end.killed
        assert point.name in end.points  # another thread may have reached one since
        story.check_moment()
        story.change()
        see_the_next_run(story, pause=pause, happens=happens)


@pytest.mark.fault("G2")
def test_a_run_that_airflow_asks_to_end_ends_at_once_and_its_jobs_are_adopted(
    airflow_mortals: Mortals, whole: bool
) -> None:
    story = Story(airflow_mortals.exporter, rejected=True, rows=30)
    begin(story, "one rejected")
    points = airflow_mortals.run(pause=False).points
    for point in targets(points, whole=whole, step=2):
        begin(story, "one rejected")
        end = airflow_mortals.run(pause=False, target=point, signal="SIGTERM")
        assert point.name in end.points
        assert (end.killed, str(end.report)[:10]) == (False, "SystemExit")
        assert end.seconds < 5
        story.check_moment()
        story.change()
        see_the_next_run(story, pause=False, happens="one rejected")
        assert story.count_repeated() == 0, point


@pytest.mark.fault("G1")
def test_runs_killed_at_random_times_lose_nothing(mortals: Mortals, whole: bool) -> None:
    chance = random.Random(1)
    for number in range(150 if whole else 10):
        pause, happens = bool(number % 2), STORIES[number % 3]
        story = Story(mortals.exporter, rejected=happens == "one rejected", rows=30)
        begin(story, happens)
        mortals.run(pause=pause, after=chance.uniform(0.001, 0.4))
        story.check_moment()
        story.change()
        see_the_next_run(story, pause=pause, happens=happens)


@pytest.mark.fault("G1", "E6")
@pytest.mark.parametrize("pause", [True, False], ids=["on", "off"])
@pytest.mark.parametrize("next_run", ["export", "reexport"])
def test_a_daily_job_over_bulk_killed_at_any_point_loses_nothing(
    mortals: Mortals, next_run: str, pause: bool, whole: bool
) -> None:
    story, exporter = Story(mortals.exporter, rows=30), mortals.exporter

    def begin_rejected() -> None:
        begin(story, "clean")
        exporter.connection.execute("update app.accounts set name = 'bad' where id between 6 and 28")
        exporter.run(pause=False)
        exporter.connection.execute("update app.accounts set kind = 'Z' where id = 17")
        story.repair()

    begin_rejected()
    points = mortals.run("reexport", pause=pause).points
    assert {"after POST jobs/ingest", "after PUT jobs/ingest/JOB/batches", "after PATCH jobs/ingest/JOB"} <= set(points)
    for point in targets(points, whole=whole, first=int(pause), step=2):
        begin_rejected()
        end = mortals.run("reexport", pause=pause, target=point)
        assert (end.killed, end.points[-1]) == (True, point.name)
        story.check_moment()
        story.change()
        report = exporter.run(pause=pause) if next_run == "export" else exporter.reexport(every=True, pause=pause)
        assert report is not None
        story.check_moment()
        exporter.run(pause=pause)
        exporter.reexport(every=True, pause=pause)
        story.check_end({"17"})
        assert story.count_repeated() == 0, point


def see_the_next_run(story: Story, *, pause: bool, happens: str) -> None:
    exporter = story.exporter
    failures = []
    try:
        report = exporter.run(pause=pause)
    except SalesforceFailure as failed:
        failures.append(str(failed))
        story.check_moment()
        assert exporter.errors() == []
        report = exporter.run(pause=pause)
    assert all("InternalServerError : planted" in failure for failure in failures)
    assert not failures or happens == "job failed"
    story.check_moment()
    assert report.outcome is (Outcome.HELD if pause and story.rejected else Outcome.COMPLETE)
    if story.rejected:
        [error] = exporter.errors()
        assert (error["record_key"], error["status"]) == ("6", "open")
        assert (exporter.gate(pause=pause) is not None) == pause
        story.repair()
        exporter.run(pause=pause)
        exporter.reexport(every=True)
        story.check_moment()
    story.check_end(set())

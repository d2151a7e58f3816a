"""Several processes want one stream: one exports, the others send nothing, and a suspended one is rejected."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest

from exporter import Exporter, make_stream
from include.export.ledger.runs import Outcome
from include.export.tasks.export import ExportReport
from killing import Mortals, Story, targets

Connect = Callable[..., psycopg.Connection]
ALIVE = (
    "update crm_export.ExportWatermarks set lease_owner = 'other', lease_epoch = lease_epoch + 1,"
    " lease_until = clock_timestamp() + interval '20 seconds'"
)


@pytest.fixture
def mortals(mortals: Mortals) -> Mortals:
    mortals.options["batch_size"] = 4
    return mortals


@pytest.mark.fault("D1", "D8")
def test_of_five_concurrent_runs_one_exports_and_nothing_is_sent_twice(exporter: Exporter, connect: Connect) -> None:
    exporter.add_many(1, 300)
    exporter.control.add_fault(match={"method": "PATCH", "path_regex": "composite"}, times=99, delay_seconds=0.8)
    barrier = threading.Barrier(5)

    def run(each: Exporter) -> ExportReport:
        barrier.wait()
        return each.run(lease_seconds=20)

    runs = [replace(exporter, connection=connect()) for _ in range(5)]
    with ThreadPoolExecutor(5) as threads:
        reports = list(threads.map(run, runs))
    # a late one may find the stream free again, with nothing to do
    assert sorted(report.rows_sent for report in reports) == [0, 0, 0, 0, 300]
    assert Outcome.ALREADY_RUNNING in {report.outcome for report in reports}
    assert len(exporter.control.writes("Account")) == len(exporter.names()) == 300


@pytest.mark.fault("D2")
def test_a_reexport_waits_for_the_run_that_is_at_work(exporter: Exporter, connect: Connect) -> None:
    exporter.add({"id": 1, "name": "bad"}, {"id": 2})
    exporter.run(pause=False)
    exporter.control.switch_rule("no_bad_names", active=False)
    other, before = connect(), exporter.last_call()
    other.execute(ALIVE)
    calls_while_held: list[int] = []

    def work() -> None:
        for _ in range(10):
            time.sleep(0.2)
            other.execute(ALIVE)
        calls_while_held.append(len(exporter.calls(before)))
        other.execute("update crm_export.ExportWatermarks set lease_until = null")

    thread = threading.Thread(target=work)
    thread.start()
    report = exporter.reexport(every=True)
    thread.join()
    assert calls_while_held == [0]
    assert (report.tried, report.exported) == (1, 1)


@pytest.mark.fault("D3", "D4")
@pytest.mark.parametrize("transport", ["collections", "bulk"])
def test_a_process_that_was_stopped_past_its_lease_writes_and_sends_nothing_any_more(
    mortals: Mortals, transport: str, whole: bool
) -> None:
    """Stopped at every point but one: between the check of the lease and the call itself nothing can check again."""
    exporter, bulk = mortals.exporter, transport == "bulk"
    story = Story(exporter, rows=30 if bulk else 10)
    exporter.stream = make_stream(bulk_from=10 if bulk else None)
    # one thread: stopped in the middle of a transaction, a process keeps its lock of the stream
    exporter.options = {"batch_size": 4, "poll_delays": (0.01, 0.03), "uses_threads": False}
    mortals.options |= exporter.options
    story.begin()
    points = mortals.run(pause=True).points
    lease = next(n for n, name in enumerate(points) if name.startswith("after: Opens the line of a run"))
    done = max(n for n, name in enumerate(points) if name.startswith("after commit of: Plans"))  # and found nothing
    stops = [point for point in targets(points[:done], whole=False) if point.name not in points[:lease]]
    assert len(stops) >= 10
    for point in stops[:: 3 if bulk and not whole else 1]:
        story.begin()
        with mortals.stopped(pause=True, target=point) as ends:
            story.check_moment()
            story.change()
            assert exporter.run().outcome is Outcome.COMPLETE
            calls = exporter.last_call()
        assert str(ends[0].report).startswith("LeaseLost"), (point, ends[0].report)
        assert [call["path"] for call in exporter.calls(calls) if call["method"] not in {"GET", "PUT"}] == []
        story.check_moment()
        story.check_end(set())

"""The benchmarks with a few hundred rows: they run, check every row, and report a wrong result."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.bench import Bench
from benchmarks.deltas import find_crossovers
from benchmarks.goals import DAILY_JOB, report_goals
from benchmarks.growth import measure_growth
from benchmarks.idle import measure_idle
from benchmarks.limit import measure_limit
from benchmarks.measuring import WrongResultError
from benchmarks.operation.page import measure_page
from benchmarks.operation.reconcile import measure_reconcile
from benchmarks.pace import measure_pace
from benchmarks.peers import make_peers
from benchmarks.sink.process import start_sink
from benchmarks.sink.schedule import JOBS_AT_ONCE, Schedule
from benchmarks.source import open_source

ROWS = 2_000


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Return a benchmark of a few rows, with one run per method."""
    place: Path = tmp_path_factory.mktemp("bench")
    sink, work = place / "sink", place / "work"
    sink.mkdir()
    work.mkdir()
    with open_source() as source, start_sink(sink) as running:
        yield Bench(source, running, work, ROWS, rounds=1)


def test_ours_is_compared_with_the_limit_and_the_goals_are_reported(bench: Bench) -> None:
    lines = measure_limit(bench)
    assert [line["way"] for line in lines] == [
        "the limit: psql | HTTP", "the limit: psql | HTTPS", "ours, setting on", "ours, setting off",
    ]  # fmt: skip
    assert all(line["rows"] == ROWS and line["cpu_seconds"] > 0 and line["peak_mb"] > 10 for line in lines)
    assert report_goals({"limit": lines}) == []
    assert len(report_goals({"limit": [line | {"rows": 1_000_000} for line in lines]})) == 4


@pytest.mark.parametrize(("ms", "seconds", "verdict"), [(449, 4.99, "met"), (450, 5.0, "MISSED")])
def test_goals_of_small_deltas_and_of_the_daily_job_are_reported(ms: int, seconds: float, verdict: str) -> None:
    deltas = [{"way": way, "rows": 2_000, "ms_at_100_ms_a_call": ms} for way in ("Collections", "Bulk 2.0")]
    growth = [{"way": DAILY_JOB, "seconds": seconds}, {"way": "100,000 rows", "seconds": 9.0}]
    assert [goal.split()[0] for goal in report_goals({"deltas": deltas, "growth": growth})] == [verdict, verdict]


def test_an_org_that_saves_at_a_pace_is_kept_busy_by_several_jobs(bench: Bench) -> None:
    lines = measure_pace(bench, pace=2_000, options={"part_rows": 50}, bulk_from=50, bulk_from_paused=50)
    assert [line["way"] for line in lines] == ["ours, setting on", "ours, setting off"]
    assert all(line["rows"] == ROWS and 0.05 < line["share_of_pace"] <= 1.2 for line in lines)
    assert all(line["jobs"] >= JOBS_AT_ONCE for line in lines)
    assert report_goals({"pace": lines}) == []
    assert len(report_goals({"pace": [line | {"rows": 1_000_000} for line in lines]})) == 2


def test_a_job_of_the_sink_waits_until_few_enough_are_unfinished() -> None:
    schedule = Schedule(pace=1_000.0)
    turns = [schedule.add(rows) for rows in (50_000, 10_000, 20_000, 30_000, 40_000, 1_000, 1_000)]
    assert all(turn.begins == pytest.approx(turns[0].begins, abs=1.0) for turn in turns[:JOBS_AT_ONCE])
    assert (turns[5].begins, turns[6].begins) == (turns[1].ends, turns[5].ends)
    assert (turns[0].look()[0], turns[6].look()) == ("InProgress", ("UploadComplete", 0))
    assert Schedule().add(5).look() == ("JobComplete", 5)


def test_rejected_rows_are_found_among_the_export_errors(bench: Bench) -> None:
    rejected = {line["way"]: line["rejected"] for line in measure_growth(bench)}
    assert rejected["0.1 % rejected"] == ROWS // 1000
    assert rejected["10 % rejected"] == ROWS // 10
    assert rejected["1,000 changed of 2,000"] == 0


def test_an_empty_run_makes_no_call_and_a_held_one_makes_one(bench: Bench) -> None:
    empty, held = measure_idle(bench)
    assert (empty["api_calls"], held["api_calls"]) == (0, 1)


def test_a_check_compares_every_row_and_an_export_that_meets_one_sends_its_own(bench: Bench) -> None:
    first, unchanged, meeting = measure_reconcile(bench)
    assert first["rows"] == unchanged["rows"] == ROWS // 5 - 100
    assert meeting["rows"] == 100
    assert report_goals({"reconcile": [first, unchanged, meeting]}) == []
    quick = [line | {"rows": 10_000_000, "seconds": 29.0} for line in (first, unchanged)] + [meeting]
    assert [line[:6] for line in report_goals({"reconcile": quick})] == ["met   ", "met   "]


def test_the_queries_of_the_page_find_something_and_the_slowest_is_judged(bench: Bench) -> None:
    lines = measure_page(bench)
    assert {"the first page", "search: a key", "causes", "the headline"} <= {line["way"] for line in lines}
    assert all(line["errors"] == ROWS // 10 and line["ms"] <= line["most_ms"] for line in lines)
    assert report_goals({"page": lines}) == []
    [goal] = report_goals({"page": [line | {"errors": 1_000_000, "ms": 301} for line in lines]})
    assert goal.startswith("MISSED")


@pytest.mark.parametrize("name", ["Airflow SalesforceBulkOperator", "simple-salesforce bulk2"])
def test_the_peers_of_our_own_environment_move_the_rows(bench: Bench, name: str) -> None:
    peer = next(peer for peer in make_peers(bench) if peer.name == name)
    assert peer.run(bench.source.table(ROWS)).printed["accepted"] == ROWS


def test_a_row_that_did_not_arrive_is_a_wrong_result(bench: Bench) -> None:
    table = bench.source.table(ROWS)
    bench.export(table)
    files = bench.sink.files()
    with pytest.raises(WrongResultError, match=r"2000 rows were to arrive, \d+ did"):
        bench.source.check_arrived(table, files[1:])
    with pytest.raises(WrongResultError, match="2000 rows were to arrive"):
        bench.source.check_arrived(table, [*files, files[0]])


def test_the_crossover_is_the_size_from_which_on_bulk_is_better() -> None:
    calls = {1: (1, 4), 200: (1, 4), 1_000: (5, 4), 2_000: (10, 4)}
    lines = [
        {"way": way, "rows": rows, "api_calls": pair[n], "ms_at_100_ms_a_call": 100 * pair[n]}
        for rows, pair in calls.items()
        for n, way in enumerate(("Collections", "Bulk 2.0"))
    ]
    assert find_crossovers(lines) == {"api_calls": 1_000, "ms_at_100_ms_a_call": 1_000}

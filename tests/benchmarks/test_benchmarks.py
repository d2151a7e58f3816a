"""The benchmarks with a few hundred rows: they run, check every row, and report a wrong result."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.bench import Bench
from benchmarks.deltas import find_crossovers
from benchmarks.goals import report_goals
from benchmarks.growth import measure_growth
from benchmarks.idle import measure_idle
from benchmarks.limit import measure_limit
from benchmarks.measuring import WrongResultError
from benchmarks.peers import make_peers
from benchmarks.sink.process import start_sink
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
    assert len(report_goals({"limit": [line | {"rows": 1_000_000} for line in lines]})) == 3


def test_rejected_rows_are_found_among_the_export_errors(bench: Bench) -> None:
    rejected = {line["way"]: line["rejected"] for line in measure_growth(bench)}
    assert rejected["0.1 % rejected"] == ROWS // 1000
    assert rejected["10 % rejected"] == ROWS // 10
    assert rejected["1,000 changed of 2,000"] == 0


def test_an_empty_run_makes_no_call_and_a_held_one_makes_one(bench: Bench) -> None:
    empty, held = measure_idle(bench)
    assert (empty["api_calls"], held["api_calls"]) == (0, 1)


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

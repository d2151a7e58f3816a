"""Part 9: the page's queries, with a million export errors and five million runs in the tables."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import psycopg

from benchmarks.bench import Bench
from benchmarks.measuring import WrongResultError, median
from benchmarks.source import load_statement
from include.export.ledger import ExportAlerts
from include.export.reports import ErrorFilter, ErrorOrder, read_causes, read_history, read_overview, read_page
from include.export.salesforce import load_catalogue
from include.export.streams import Stream

Line = dict[str, Any]
STREAMS = [f"stream_{number:02d}" for number in range(20)]
RUNS_AN_ERROR = 5
PAGE, NEWEST = 50, ErrorOrder()


def measure_page(bench: Bench) -> list[Line]:
    """Return a line for each query of the page, with its median and maximum in milliseconds."""
    errors = bench.rows if bench.large else bench.rows // 10
    table = bench.source.table(1_000)
    streams = [Stream(**bench.stream(table, name=name)) for name in STREAMS]
    with bench.source.connect() as connection:
        _fill(bench, connection, errors)
        queries = _queries(connection, streams, errors)
        lines = [_measure(way, query, bench.rounds) for way, query in queries.items()]
    return [{"way": line.pop("way"), "errors": errors, "runs_listed": RUNS_AN_ERROR * errors, **line} for line in lines]


def _fill(bench: Bench, connection: psycopg.Connection, errors: int) -> None:
    bench.source.forget_exports()
    connection.execute(load_statement("page_runs"), {"runs": RUNS_AN_ERROR * errors})
    connection.execute(load_statement("page_errors"), {"errors": errors})
    connection.execute(load_statement("page_streams"), {})
    for name in ("ExportRuns", "ExportErrors", "ExportWatermarks"):
        connection.execute(f"vacuum (analyze) crm_export.{name}")
    connection.execute("checkpoint")


def _queries(connection: psycopg.Connection, streams: Sequence[Stream], errors: int) -> dict[str, Callable[[], int]]:
    """Return the measured queries by name; each returns how many rows it found, which must not be zero."""
    catalogue = load_catalogue()

    def page(wanted: ErrorFilter, after: str | None = None) -> int:
        return len(read_page(wanted, NEWEST, connection=connection, limit=PAGE, after=after).errors)

    def causes(stream: str | None = None) -> int:
        return len(read_causes(connection=connection, catalogue=catalogue, stream=stream).causes)

    def headline() -> int:
        ExportAlerts(connection).count()
        return len(read_overview(streams, connection=connection, catalogue=catalogue).streams)

    following = read_page(ErrorFilter(), NEWEST, connection=connection, limit=PAGE).next
    return {
        "the first page": lambda: page(ErrorFilter()),
        "the second page": lambda: page(ErrorFilter(), following),
        "the first page of a stream": lambda: page(ErrorFilter(stream=STREAMS[3])),
        "search: a key": lambda: page(ErrorFilter(search=f"KEY_{errors - errors % 10 - 4:09d}")),
        "search: a part of every message": lambda: page(ErrorFilter(search="does not agree")),
        "search: two letters": lambda: page(ErrorFilter(search="aa")),
        "search: nothing": lambda: page(ErrorFilter(search="nobody has this")) + 1,
        "causes": causes,
        "causes of a stream": lambda: causes(STREAMS[3]),
        "the headline": headline,
        "the charts of 30 days": lambda: len(read_history(30, None, connection=connection).points),
    }


def _measure(way: str, query: Callable[[], int], rounds: int) -> Line:
    seconds = []
    for _ in range(max(rounds, 5)):
        begun = time.perf_counter()
        found = query()
        seconds.append(time.perf_counter() - begun)
        if not found:
            raise WrongResultError(f"the page's query found nothing: {way}")
    return {
        "way": way,
        "ms": round(median(seconds, 4) * 1000),
        "most_ms": round(max(seconds) * 1000),
        "runs": len(seconds),
    }

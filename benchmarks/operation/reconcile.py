"""Part 8: the daily check for late rows: a first check, one without changes, and an export that meets a check."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from psycopg import sql

from benchmarks.bench import Bench
from benchmarks.measuring import Measured, WrongResultError, median
from benchmarks.source import load_statement

Line = dict[str, Any]
CHANGED = 1_000  # rows of the export that meets a check
OPTIONS = {"pause_on_export_errors": True}


def measure_reconcile(bench: Bench) -> list[Line]:
    """Return a line for a first check, for a check without changes, and for an export that meets a first check."""
    rows = 10 * bench.rows if bench.large else bench.rows // 5
    table, exported = bench.source.table(rows), rows - min(CHANGED, rows // 4)
    _begin(bench, table, exported)
    first = [_check(bench, table, exported)]
    unchanged = [_check(bench, table, exported) for _ in range(bench.rounds)]
    lines = [
        _line("the first check", first, exported),
        _line("nothing changed", unchanged, exported),
        _measure_meeting(bench, table, rows, exported),
    ]
    if rows > bench.rows:
        bench.source.drop(rows)
    return lines


def _begin(bench: Bench, table: str, exported: int) -> None:
    """Put the export tables into the state after an export of the first rows."""
    bench.source.forget_exports()
    bench.source.put_watermark(table, exported)
    with bench.source.connect() as connection:
        name = sql.Identifier(*table.split("."))
        connection.execute(load_statement("exported").format(table=name), {"row": exported})
    bench.sink.reset()


def _check(bench: Bench, table: str, exported: int) -> Measured:
    """Run a check; raises WrongResultError unless it compares every exported row and finds none late."""
    found = bench.run_ours(table, OPTIONS, task="reconcile")
    if (found.printed["compared"], found.printed["late"]) != (exported, 0):
        raise WrongResultError(f"{exported} rows were exported, and a check says {found.printed}")
    return found


def _measure_meeting(bench: Bench, table: str, rows: int, exported: int) -> Line:
    """Measure an export that begins while a first check reads its pages; every row of it must arrive."""
    _begin(bench, table, exported)
    with ThreadPoolExecutor(1) as threads:
        checking = threads.submit(_check, bench, table, exported)
        _wait_until_it_walks(bench, checking)
        export = bench.run_ours(table, OPTIONS)
        met = not checking.done()
        check = checking.result()
    sent = bench.source.check_arrived(table, bench.sink.files(), behind=exported)
    if sent != rows - exported or export.printed["outcome"] != "complete":
        raise WrongResultError(f"{rows - exported} rows had changed, {sent} arrived: {export.printed}")
    line = _line(f"an export of {sent:,} rows that meets a first check", [export], sent)
    return line | {"check_ended_later": met, "seconds_of_the_check": round(check.seconds, 2)}


def _wait_until_it_walks(bench: Bench, checking: Future[Measured]) -> None:
    with bench.source.connect() as connection:
        while not checking.done():
            found = connection.execute(load_statement("checking")).fetchone()
            if found and found[0]:
                return
            time.sleep(0.02)


def _line(way: str, runs: list[Measured], rows: int) -> Line:
    seconds = median((run.seconds for run in runs), 3)
    return {
        "way": way,
        "rows": rows,
        "seconds": round(seconds, 2),
        "rows_per_second": round(rows / seconds),
        "cpu_seconds": median(run.cpu_seconds for run in runs),
        "peak_mb": median((run.peak_mb for run in runs), 0),
        "runs": len(runs),
    }

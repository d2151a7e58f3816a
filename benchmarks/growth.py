"""Part 3: how the cost grows with the rows sent, the size of the table and the rows rejected."""

from __future__ import annotations

from typing import Any

from benchmarks.bench import REJECTIONS, Bench
from benchmarks.measuring import Measured, WrongResultError, median

Line = dict[str, Any]
CHANGED = 1_000


def measure_growth(bench: Bench) -> list[Line]:
    """Return a line for each size of the delta, of the table, and for each share of rejected rows."""
    sizes = [bench.rows // 10, bench.rows, *([5 * bench.rows] if bench.large else [])]
    lines = [_measure_size(bench, rows) for rows in sizes]
    lines += [_measure_rejected(bench, percent) for percent in REJECTIONS if percent]
    lines.append(_measure_rejected(bench, max(REJECTIONS), distinct=True))
    lines += _measure_open_errors(bench)
    lines.append(_measure_changed(bench, 10 * bench.rows if bench.large else bench.rows))
    return lines


def _measure_size(bench: Bench, rows: int) -> Line:
    table = bench.source.table(rows)
    runs = [bench.export(table) for _ in range(bench.rounds if rows <= bench.rows else 1)]
    if rows > bench.rows:
        bench.source.drop(rows)
    return _line(f"{rows:,} rows", runs, rows)


def _measure_rejected(bench: Bench, percent: float, *, distinct: bool = False) -> Line:
    table = bench.source.table(bench.rows)
    runs = [bench.export(table, percent=percent, distinct=distinct) for _ in range(bench.rounds)]
    way = f"{percent:g} % rejected" + (", each with a text of its own" if distinct else "")
    return _line(way, runs, bench.rows)


def _measure_open_errors(bench: Bench) -> list[Line]:
    """Measure an empty run while a tenth of the rows are open errors, and the daily job that retries them."""
    table, rejected = bench.source.table(bench.rows), REJECTIONS[10.0]
    bench.export(table, percent=10.0)
    empty, sent = [], []
    for _ in range(bench.rounds):
        bench.sink.reset()
        empty.append(bench.run_ours(table))
    sent.append(bench.run_ours(table, task="reexport"))
    rows = bench.source.check_sent_again(table, bench.sink.files(), rejected)
    bench.source.check_errors(table, ())
    if empty[-1].printed["outcome"] != "complete" or sent[-1].printed["exported"] != rows:
        raise WrongResultError(f"{rows} errors were open: {empty[-1].printed}, {sent[-1].printed}")
    return [
        _line(f"an empty run, {rows:,} errors open", empty, 0),
        _line(f"the daily job sends {rows:,} again", sent, rows),
    ]


def _measure_changed(bench: Bench, rows: int) -> Line:
    """Measure the last rows of a large table, the rest of which was exported before."""
    table = bench.source.table(rows)
    runs, blocks = [], []
    for _ in range(bench.rounds):
        bench.source.forget_exports()
        bench.source.put_watermark(table, rows - CHANGED)
        bench.sink.reset()
        before = bench.source.count_reads(table)
        runs.append(bench.run_ours(table))
        blocks.append(bench.source.count_reads(table)[1] - before[1])
        sent = bench.source.check_arrived(table, bench.sink.files(), behind=rows - CHANGED)
        if sent != CHANGED or runs[-1].printed["accepted"] != CHANGED:
            raise WrongResultError(f"{CHANGED} of {rows} rows had changed, {sent} arrived: {runs[-1].printed}")
    if rows > bench.rows:
        bench.source.drop(rows)
    return _line(f"{CHANGED:,} changed of {rows:,}", runs, CHANGED) | {"blocks_read": round(median(blocks, 0))}


def _line(way: str, runs: list[Measured], rows: int) -> Line:
    seconds = median((run.seconds for run in runs), 3)
    return {
        "way": way,
        "seconds": round(seconds, 2),
        "rows_per_second": round(rows / seconds) or None,
        "cpu_seconds": median(run.cpu_seconds for run in runs),
        "cpu_seconds_a_million": round(median((run.cpu_seconds for run in runs), 3) * 1e6 / rows, 2) if rows else None,
        "peak_mb": median((run.peak_mb for run in runs), 0),
        "mb_to_start": median((run.start_mb for run in runs), 0),
        "api_calls": runs[0].printed["api_calls"],
        "rejected": runs[0].printed.get("rejected", 0),
        "runs": len(runs),
    }

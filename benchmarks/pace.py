"""A first load, with several jobs at once, into an org that saves a set number of rows per second and job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.bench import Bench
from benchmarks.measuring import Measured
from benchmarks.sink.schedule import JOBS_AT_ONCE

PACE = 2_000  # rows per second and job; a real org saves about 1,000, with which the benchmark would take twice as long
Line = dict[str, Any]


def measure_pace(bench: Bench, pace: int = PACE, options: Mapping[str, Any] | None = None, **stream: Any) -> list[Line]:
    """Return a line for a first load with the setting on and one with it off; the org's pace limits both.

    `options` replace the product's own, for a load of few rows.
    """
    table, lines = bench.source.table(bench.rows), []
    for way, pause in (("ours, setting on", True), ("ours, setting off", False)):
        chosen = {"pause_on_export_errors": pause, **(options or {})}
        measured = bench.export(table, pace=pace, options=chosen, lock_order="id", **stream)
        lines.append(_line(way, measured, bench, pace))
    return lines


def _line(way: str, measured: Measured, bench: Bench, pace: int) -> Line:
    return {
        "way": way,
        "rows": bench.rows,
        "rows_per_second_a_job": pace,
        "jobs_at_once": JOBS_AT_ONCE,
        "seconds": round(measured.seconds, 2),
        "rows_per_second": round(bench.rows / measured.seconds),
        "share_of_pace": round(bench.rows / measured.seconds / (pace * JOBS_AT_ONCE), 3),
        "jobs": bench.sink.counts()["jobs"],
        "cpu_seconds": round(measured.cpu_seconds, 2),
        "peak_mb": round(measured.peak_mb),
        "api_calls": measured.printed["api_calls"],
    }

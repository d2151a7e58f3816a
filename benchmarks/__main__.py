"""The command line of the benchmarks; `make bench` calls it."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.airflow_runs import measure_airflow
from benchmarks.bench import Bench
from benchmarks.deltas import find_crossovers, measure_deltas
from benchmarks.goals import report_goals
from benchmarks.growth import measure_growth
from benchmarks.idle import measure_idle, measure_parsing
from benchmarks.limit import measure_limit
from benchmarks.measuring import WrongResultError
from benchmarks.operation.page import measure_page
from benchmarks.operation.reconcile import measure_reconcile
from benchmarks.pace import PACE, measure_pace
from benchmarks.peers import measure_peers
from benchmarks.report import describe_machine, draw_table, make_console, write_json
from benchmarks.sandbox import measure_sandbox
from benchmarks.sink.process import start_sink
from benchmarks.sink.schedule import JOBS_AT_ONCE
from benchmarks.source import open_source

Line = dict[str, Any]
PARTS: dict[str, tuple[str, Callable[[Bench], list[Line]]]] = {
    "limit": ("Ours against the raw limit (lean sink)", measure_limit),
    "peers": ("Ours against common alternatives (lean sink)", measure_peers),
    "growth": ("Growth (lean sink)", measure_growth),
    "deltas": ("Small deltas (lean sink)", measure_deltas),
    "idle": ("Runs with nothing to send (lean sink)", measure_idle),
    "parsing": ("Parsing the DAG files, seconds (no server)", measure_parsing),
    "airflow": ("Idle runs of CRMExport in a real Airflow (no server)", measure_airflow),
    "pace": (f"A first load at {PACE:,} rows a second a job, {JOBS_AT_ONCE} jobs at once (lean sink)", measure_pace),
    "reconcile": ("The daily check for late rows (lean sink)", measure_reconcile),
    "page": ("What the page asks the database (no server)", measure_page),
    "sandbox": ("The Salesforce sandbox itself", lambda bench: measure_sandbox(bench.rows, min(bench.rows, 20_000))),
}


def main() -> int:
    """Run the requested parts, print tables and JSON; returns 1 when a result is wrong."""
    asked = _read_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # its servers are stopped at exit
    console = make_console()
    parts: dict[str, list[Line]] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as place, open_source() as source:
        sink, work = Path(place) / "sink", Path(place) / "work"
        sink.mkdir()
        work.mkdir()
        with start_sink(sink) as running:
            bench = Bench(source, running, work, asked.rows, asked.rounds, large=asked.large)
            machine = describe_machine(source.version())
            console.print(", ".join(f"{name} {value}" for name, value in machine.items()))
            for name in asked.only:
                title, measure = PARTS[name]
                try:
                    parts[name] = measure(bench)
                except WrongResultError as wrong:
                    console.print(f"[red]WRONG[/red] {name}: {wrong}", markup=True, highlight=False)
                    return 1
                console.print(draw_table(title, parts[name]))
    crossovers = find_crossovers(parts["deltas"]) if "deltas" in parts else {}
    goals = report_goals(parts)
    for line in (*goals, *(f"crossover to Bulk by {what}: {rows} rows" for what, rows in crossovers.items())):
        console.print(line, highlight=False)
    write_json(console, {"machine": machine, **parts, "crossovers": crossovers, "goals": goals})
    return 0


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure the cost of moving rows.")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the table (default 1,000,000)")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved runs per method; medians are shown")
    parser.add_argument("--large", action="store_true", help="adds five times the rows, and ten times with few changed")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="only these parts")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

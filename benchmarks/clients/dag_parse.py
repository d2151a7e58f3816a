"""Parses the two DAG files as the DAG processor does: python -m benchmarks.clients.dag_parse DAGS_FOLDER."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from airflow.dag_processing.dagbag import DagBag

from benchmarks.clients.ready import report_ready, report_result


def main() -> None:
    """Parse each file once; the processor's own imports are loaded before, those of the files and providers are not."""
    report_ready()
    seconds: dict[str, float] = {}
    cpu_seconds: dict[str, float] = {}
    tasks: dict[str, int] = {}
    errors: list[str] = []
    for path in sorted(Path(sys.argv[1]).glob("*.py")):
        began, used = time.monotonic(), time.process_time()
        found = DagBag(dag_folder=str(path), safe_mode=False)
        seconds[path.stem], cpu_seconds[path.stem] = time.monotonic() - began, time.process_time() - used
        tasks |= {dag_id: len(dag.tasks) for dag_id, dag in found.dags.items()}
        errors += found.import_errors.values()
    report_result({"seconds": seconds, "cpu_seconds": cpu_seconds, "tasks": tasks, "errors": errors})


if __name__ == "__main__":
    main()

"""Airflow's processes on one machine, as `airflow standalone` starts them, but without servers that all can reach.

Standalone's scheduler and triggerer serve their log files on every address of the machine, and no setting changes
that. Here the API server reads the same files itself. When one process ends, this ends with its last words.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

COMPONENTS = {
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "api-server": ("api-server",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
MIGRATION = "db-migrate"
LAST_LINES = 4


def main() -> int:
    """Bring the metadata database up to date, start every process, and return 1 when one has ended."""
    logs = Path(sys.argv[1])
    migration = _start(MIGRATION, ("db", "migrate"), logs)
    if migration.wait():
        return _report(MIGRATION, migration, logs)
    running = {name: _start(name, words, logs) for name, words in COMPONENTS.items()}
    while True:
        for name, process in running.items():
            if process.poll() is not None:
                return _report(name, process, logs)
        time.sleep(0.5)


def _start(name: str, words: tuple[str, ...], logs: Path) -> subprocess.Popen[bytes]:
    with _log(logs, name).open("wb") as log:
        command = [sys.executable, "-m", "airflow", *words]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)


def _report(name: str, process: subprocess.Popen[bytes], logs: Path) -> int:
    lines = [line for line in _log(logs, name).read_text(errors="replace").splitlines() if line.strip()]
    print(f"Airflow's {name} ended with status {process.returncode}. Its log is {_log(logs, name)}; the end of it:")
    print(*lines[-LAST_LINES:], sep=os.linesep, flush=True)
    return 1


def _log(logs: Path, name: str) -> Path:
    return logs / f"airflow-{name}.log"


if __name__ == "__main__":
    sys.exit(main())

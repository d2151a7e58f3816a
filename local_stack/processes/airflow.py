"""Airflow's processes on one machine, as `airflow standalone` starts them, but without servers on all addresses.

A component that exits is restarted: scheduler, DAG processor and triggerer exit when their database restarts. When
one does not work at all, this program ends and prints the end of its log.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from local_stack.processes.components import MIGRATION, make_components, make_redis
from local_stack.processes.supervisor import GaveUpError, Supervisor

LOOK_SECONDS = 0.5  # between two checks of the processes


def main() -> int:
    """Migrate the metadata database, keep every process running, and return 1 when one does not work."""
    asked = _read_command_line()
    for log in asked.logs.glob("airflow-*.log"):
        log.unlink()
    supervisor = Supervisor(asked.logs)
    try:
        if asked.redis:
            supervisor.keep([make_redis(asked.redis)])
        supervisor.run_once(MIGRATION)
        supervisor.keep(make_components(asked.workers))
        while True:
            supervisor.look()
            time.sleep(LOOK_SECONDS)
    except GaveUpError as failed:
        print(failed, flush=True)
        return 1


def _read_command_line() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local_stack.processes.airflow")
    parser.add_argument("logs", type=Path)
    parser.add_argument("--workers", type=int, default=0, help="0: the scheduler runs the tasks")
    parser.add_argument("--redis", type=Path, help="its configuration")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

"""The processes of Airflow on one machine: its own four, and with Celery workers Redis and each worker."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

from local_stack.processes.host_names import VARIABLE
from local_stack.processes.redis import find_redis

# the log servers of scheduler, triggerer and workers would listen on every address of the machine, and no setting
# changes that; the API server reads the same files itself
_NO_LOG_SERVER = "--skip-serve-logs"


@dataclass(frozen=True)
class Component:
    """A process that the supervisor keeps running; `environment` is added to the supervisor's own."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)


AIRFLOW_COMMAND = (sys.executable, "-m", "local_stack.processes.airflow_command")
MIGRATION = Component("db-migrate", (*AIRFLOW_COMMAND, "db", "migrate"))


def make_redis(configuration: Path) -> Component:
    """Return the Redis of a configuration file; raises StackError when redis-server is not installed."""
    return Component("redis", (find_redis(), str(configuration)))


def make_components(workers: int) -> list[Component]:
    """Return Airflow's components; without workers the scheduler runs the tasks itself."""
    own = [
        _airflow("scheduler", "scheduler", _NO_LOG_SERVER),
        _airflow("dag-processor", "dag-processor"),
        _airflow("api-server", "api-server"),
        _airflow("triggerer", "triggerer", _NO_LOG_SERVER),
    ]
    return own + [_make_worker(f"worker-{number}") for number in range(1, workers + 1)]


def _airflow(name: str, *words: str, host: str = "") -> Component:
    environment = {VARIABLE: host} if host else {}
    return Component(name, (*AIRFLOW_COMMAND, *words), environment)


def _make_worker(name: str) -> Component:
    # Airflow's tasks need neither gossip nor mingle
    words = ("celery", "worker", "--celery-hostname", name, "--without-gossip", "--without-mingle", _NO_LOG_SERVER)
    return _airflow(name, *words, host=name)

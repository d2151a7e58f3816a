"""Settings of all tasks in all DAGs: their retries, and that each ends at SIGTERM."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag

from crm_export.operators.retries import RETRIES, RunFailureRetryPolicy
from single_task import run_each

pytestmark = pytest.mark.filterwarnings("default")  # Airflow's own
ROOT = Path(__file__).resolve().parents[2]
DAG_IDS = ("CRMExport", "CRMExport_ExportError", "CRMExport_Reconcile")
TWO_STREAMS = ("campaigns", "persons")


@pytest.fixture(scope="module")
def dags() -> DagBag:
    return DagBag(dag_folder=str(ROOT / "dags"), safe_mode=False)


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_every_task_has_the_same_retries(dags: DagBag, dag_id: str) -> None:
    tasks = dags.dags[dag_id].tasks
    found = {task.task_id: (task.retries, task.retry_delay, type(task.retry_policy)) for task in tasks}
    assert set(found.values()) == {(RETRIES, timedelta(seconds=30), RunFailureRetryPolicy)}, found


class SilentPostgres:
    """A server that accepts connections and never answers; each connection sends SIGTERM to this process."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.signalled_at: list[float] = []
        self._connections: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Close every connection."""
        for each in (self._listening, *self._connections):
            each.close()

    def _serve(self) -> None:
        while True:
            try:
                self._connections.append(self._listening.accept()[0])
            except OSError:
                return
            time.sleep(0.1)  # the task waits for the answer
            self.signalled_at.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture
def silent_postgres(monkeypatch: pytest.MonkeyPatch) -> Iterator[SilentPostgres]:
    server, before = SilentPostgres(), signal.getsignal(signal.SIGTERM)
    connection = {"conn_type": "postgres", "host": "127.0.0.1", "port": server.port, "login": "x", "schema": "x"}
    monkeypatch.setenv("AIRFLOW_CONN_POSTGRES_DEFAULT", json.dumps(connection | {"extra": {"connect_timeout": 20}}))
    yield server
    server.close()
    signal.signal(signal.SIGTERM, before)


@pytest.mark.field("Fs")
@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_every_task_ends_on_sigterm_and_is_scheduled_again_without_a_retry(
    metadata: None, silent_postgres: SilentPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dag_id: str
) -> None:
    (tmp_path / "checks").mkdir()
    for name in TWO_STREAMS:
        (tmp_path / f"{name}.yaml").write_text((ROOT / "include" / "streams" / f"{name}.yaml").read_text())
    (tmp_path / "checks" / "sums.yaml").write_text("stream: persons\ngroup_by: a\nsums: [b]\ntotal: 1\n")
    monkeypatch.setenv("CRM_EXPORT_STREAMS", str(tmp_path))
    dag = DagBag(dag_folder=str(ROOT / "dags"), safe_mode=False).dags[dag_id]
    states = run_each(dag)
    assert states == dict.fromkeys(dag.task_ids, "up_for_reschedule")
    ends = [*silent_postgres.signalled_at[1:], time.monotonic()]
    assert max(end - sent for sent, end in zip(silent_postgres.signalled_at, ends, strict=True)) < 5

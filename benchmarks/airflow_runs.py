"""Part 7: the cost of an idle run of CRMExport in a real Airflow: scheduler, workers, API server and DAG processor."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import requests

from benchmarks.bench import Bench
from benchmarks.measuring import WrongResultError
from benchmarks.sink.process import ROOT
from local_stack.postgres import find_free_port

Line = dict[str, Any]
STREAMS = (6, 50, 200)
START_SECONDS, RUN_SECONDS, QUIET_SECONDS = 300, 3600, 15
TIMEOUT_SECONDS = 300


def measure_airflow(bench: Bench) -> list[Line]:
    """Return a line for each number of idle streams: CPU seconds and wall time of one run, warm."""
    table = bench.source.table(1_000)
    return [_measure(bench, table, streams) for streams in STREAMS]


def _measure(bench: Bench, table: str, streams: int) -> Line:
    folder = bench.folder / f"idle_{streams}"
    _write_streams(bench, folder, table, streams)
    database = f"airflow_{streams}"
    bench.source.server.ensure_database(database)
    with _running_airflow(bench, folder, bench.source.server.dsn(database)) as (url, process):
        _run(url, streams)  # installs the schema and warms the processes
        quiet = _read_cpu(process)
        time.sleep(QUIET_SECONDS)
        idle_rate = (_read_cpu(process) - quiet) / QUIET_SECONDS
        before, began = _read_cpu(process), time.monotonic()
        _run(url, streams)
        seconds, cpu = time.monotonic() - began, _read_cpu(process) - before
    own = max(cpu - idle_rate * seconds, 0.0)
    return {
        "way": f"{streams} idle streams",
        "tasks": 1 + 2 * streams,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu, 1),
        "cpu_seconds_above_idle": round(own, 1),
        "cpu_seconds_a_stream": round(own / streams, 2),
    }


def _write_streams(bench: Bench, folder: Path, table: str, streams: int) -> None:
    """Write streams of one table whose rows are all exported already."""
    folder.mkdir()
    with bench.source.connect() as connection:
        for number in range(streams):
            stream = bench.stream(table, object=f"Row_{number}__c")
            name = f"idle_{number:03d}"
            del stream["name"]
            (folder / f"{name}.yaml").write_text(json.dumps(stream))
            connection.execute(
                "insert into crm_export.ExportWatermarks (stream, cursor_at, record_key) values (%s, now(), 'z')"
                " on conflict do nothing",
                [name],
            )


@contextmanager
def _running_airflow(bench: Bench, folder: Path, metadata: str) -> Generator[tuple[str, psutil.Process]]:
    """Yield the address and the process of an Airflow that runs the streams of a folder."""
    port = find_free_port()
    url = f"http://127.0.0.1:{port}"
    environment = bench.environment(**_settings(bench, folder, metadata, url, port))
    airflow = [sys.executable, "-m", "airflow"]
    with (folder / "airflow.log").open("w") as output:
        process = subprocess.Popen(  # noqa: S603 - a fixed command of this environment
            [*airflow, "standalone"], env=environment, stdout=output, stderr=output, start_new_session=True
        )
        try:
            _wait_until_parsed(url, process)
            yield url, psutil.Process(process.pid)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            time.sleep(4)
            _kill_group(process)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()


def _settings(bench: Bench, folder: Path, metadata: str, url: str, port: int) -> dict[str, str]:
    place = dict(part.split("=") for part in bench.source.dsn.split())
    address = dict(part.split("=") for part in metadata.split())
    postgres = {"conn_type": "postgres", "host": place["host"], "port": int(place["port"]), "login": place["user"],
                "password": place.get("password", ""), "schema": place["dbname"]}  # fmt: skip
    login = f"{address['user']}:{address.get('password', '')}@{address['host']}:{address['port']}"
    airflow = {
        "CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "CORE__PARALLELISM": "4",
        "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://{login}/{address['dbname']}",
        "API__HOST": "127.0.0.1",
        "API__PORT": str(port),
        "API__BASE_URL": url,
        "WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        "LOGGING__WORKER_LOG_SERVER_PORT": str(find_free_port()),
        "LOGGING__TRIGGER_LOG_SERVER_PORT": str(find_free_port()),
    }
    return {f"AIRFLOW__{name}": value for name, value in airflow.items()} | {
        "AIRFLOW_HOME": str(folder / "home"),
        "AIRFLOW_CONN_POSTGRES_DEFAULT": json.dumps(postgres),
        "AIRFLOW_VAR_EXPORT_TO_CRM": "true",
        "CRM_EXPORT_STREAMS": str(folder),
        "CRM_EXPORT_SCHEDULE": "0 0 1 1 *",  # no other run
        "CRM_EXPORT_ERROR_SCHEDULE": "0 0 1 1 *",
        "CRM_EXPORT_RECONCILE_SCHEDULE": "0 0 1 1 *",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "NO_PROXY": "127.0.0.1",
    }


def _wait_until_parsed(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if requests.get(f"{url}/api/v2/dags/CRMExport", headers=_log_in(url), timeout=5).ok:
                return
        except (requests.RequestException, KeyError, ValueError):
            pass  # not up yet
        time.sleep(1)
    raise WrongResultError(f"Airflow has not parsed CRMExport within {START_SECONDS} seconds")


def _log_in(url: str) -> dict[str, str]:
    token = requests.get(f"{url}/auth/token", timeout=5).json()["access_token"]
    return {"Authorization": f"Bearer {token}"}


def _run(url: str, streams: int) -> None:
    """Run CRMExport once and wait for its end; raises WrongResultError unless every task succeeds."""
    runs, headers = f"{url}/api/v2/dags/CRMExport/dagRuns", _log_in(url)
    asked = requests.post(runs, json={"logical_date": None}, headers=headers, timeout=TIMEOUT_SECONDS)
    run = f"{runs}/{asked.json()['dag_run_id']}"
    deadline = time.monotonic() + RUN_SECONDS
    state = "queued"
    while state in {"queued", "running"} and time.monotonic() < deadline:
        time.sleep(1)
        state = requests.get(run, headers=headers, timeout=TIMEOUT_SECONDS).json()["state"]
    if state != "success":
        raise WrongResultError(f"an idle run of {streams} streams ended as {state}")


def _read_cpu(root: psutil.Process) -> float:
    """Return the CPU seconds of a process and its descendants, ended ones included."""
    total = 0.0
    for process in (root, *root.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue  # its parent's figures include its time
        total += times.user + times.system + times.children_user + times.children_system
    return total

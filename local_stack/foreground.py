"""Commands run in the foreground against the running stack: any of Airflow's, and any of `python -m crm_export`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from local_stack.airflow_api import AirflowApi
from local_stack.environment import make_environment
from local_stack.place import ROOT, Place
from local_stack.ports import Ports
from local_stack.postgres import EmbeddedPostgres
from local_stack.postgres.databases import SOURCE_DATABASE
from local_stack.processes.components import AIRFLOW_COMMAND, MIGRATION
from local_stack.settings_file import read_connections
from local_stack.stack import SETTINGS

DAGS_TEST = ["dags", "test"]


def run_airflow(place: Place, words: list[str]) -> int:
    """Run an airflow command with the stack's connections and return its exit status."""
    ports = place.running_ports()
    environment = _environment(place, ports)
    if words[:2] == DAGS_TEST:
        environment |= _apart(place, ports, environment)
    return _run([*AIRFLOW_COMMAND, *words], environment)


def run_crm_export(place: Place, words: list[str]) -> int:
    """Run a command of `python -m crm_export` with the stack's connections and return its exit status."""
    environment = _environment(place, place.running_ports())
    environment["_AIRFLOW_PROCESS_CONTEXT"] = "server"  # else Airflow does not read Variables from its database
    return _run([sys.executable, "-m", "crm_export", *words], environment)


def run_psql(server: EmbeddedPostgres, words: list[str]) -> int:
    """Run psql in the source database as its administrator and return its exit status."""
    return _run([server.psql, "-d", SOURCE_DATABASE, *words], os.environ | server.client_environment())


def _environment(place: Place, ports: Ports) -> dict[str, str]:
    credentials = place.credentials()
    environment = make_environment(place, ports, credentials)
    environment["PYTHONPATH"] = os.pathsep.join((str(ROOT), str(ROOT / "plugins")))
    for connection in read_connections(SETTINGS, ports, credentials.exporter):
        name = connection.pop("connection_id")
        environment[f"AIRFLOW_CONN_{name.upper()}"] = json.dumps(connection)
    return environment


def _apart(place: Place, ports: Ports, environment: dict[str, str]) -> dict[str, str]:
    """Return the environment that gives `dags test` its own metadata database, with the stack's Variables.

    In the stack's database, the scheduler would start the tasks of the same run as well.
    """
    database = place.dags_test.resolve()
    apart = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{database}"}
    if not database.exists():
        _migrate(database, environment | apart)
    api = AirflowApi(f"http://127.0.0.1:{ports.ui}", place.credentials().login)
    api.wait_until_up(10, lambda: None)
    return apart | {f"AIRFLOW_VAR_{key.upper()}": value for key, value in api.variables().items()}


def _migrate(database: Path, environment: dict[str, str]) -> None:
    try:
        subprocess.run(MIGRATION.command, env=environment, cwd=ROOT, check=True, capture_output=True)
    except BaseException:
        database.unlink(missing_ok=True)
        raise


def _run(command: list[str], environment: dict[str, str]) -> int:
    return subprocess.run(command, env=environment, cwd=ROOT, check=False).returncode

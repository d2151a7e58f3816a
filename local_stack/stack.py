"""The embedded stack: Postgres, the Salesforce sandbox and Airflow, started together and stopped without a trace."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from include.export.ledger import install_schema
from include.export.source import open_session
from local_stack.airflow_api import AirflowApi
from local_stack.environment import METADATA_DATABASE, SOURCE_DATABASE, make_environment, trust
from local_stack.place import ROOT, Place, Ports, StackError
from local_stack.postgres import EmbeddedPostgres
from local_stack.settings_file import read_connections, read_variables
from salesforce_sandbox.control import Control
from salesforce_sandbox.process import RunningSandbox, start_sandbox
from sample_domain.existing_records import fill_org
from sample_domain.warehouse import fill_source

SETTINGS = ROOT / "airflow_settings.yaml"
ORG = ROOT / "sample_domain" / "org.yaml"
DAGS = ("CRMExport", "CRMExport_ExportError", "CRMExport_Reconcile")
FREE_SPACE = 1_000_000_000  # bytes that the state and the logs need
START_SECONDS = 180


@dataclass
class Stack:
    """The stack; a context manager that stops whatever it has started."""

    place: Place
    ports: Ports
    tell: Callable[[str], None] = print
    extra_environment: dict[str, str] = field(default_factory=dict)
    _closing: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _airflow: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start everything, fill the sample domain, load the settings; raises StackError with one sentence."""
        self._check_machine()
        self.place.note_running(self.ports)
        self._closing.callback(self.place.forget_running)
        postgres = EmbeddedPostgres(self.place.postgres, self.ports.postgres, durable=True)
        self._closing.callback(postgres.stop)
        postgres.start()
        for database in (SOURCE_DATABASE, METADATA_DATABASE):
            postgres.ensure_database(database)
        self.tell(f"Postgres is up at 127.0.0.1:{self.ports.postgres}.")
        with ThreadPoolExecutor(1) as beside:
            sandbox = beside.submit(self._start_sandbox)
            # the bundle is read at the first call to Salesforce, long after Airflow has begun to start
            self._start_airflow()
            self._closing.push(sandbox.result())
        self._fill()
        self._prepare_airflow()

    def __enter__(self) -> Stack:
        """Start the stack; stops what was started when that fails."""
        try:
            self.start()
        except BaseException:
            self._closing.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop everything."""
        self._closing.close()

    @property
    def api(self) -> AirflowApi:
        """Return the client of Airflow's API."""
        return self._api

    @property
    def control(self) -> Control:
        """Return the control of the sandbox."""
        return Control.from_ready_file(self.place.sandbox / "ready.json")

    def connect(self) -> psycopg.Connection:
        """Open the source database as the exporter does."""
        return connect_source(self.ports)

    def _check_machine(self) -> None:
        self.place.folder.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(self.place.folder).free < FREE_SPACE:
            raise StackError(f"Less than 1 GB is free in {self.place.folder}; make room and try again.")
        self.ports.check_free()

    def _start_sandbox(self) -> RunningSandbox:
        ports = self.ports
        running = start_sandbox(ORG, self.place.sandbox, http_port=ports.sandbox_http, https_port=ports.sandbox_https)
        trust(self.place, Path(running.ca_file))
        self.tell(f"The Salesforce sandbox is up at {running.https_url} (what it holds: {running.http_url}/sandbox).")
        return running

    def _start_airflow(self) -> None:
        environment = make_environment(self.place, self.ports) | self.extra_environment
        log = (self.place.folder / "airflow.log").open("wb")
        self._airflow = subprocess.Popen(
            ["airflow", "standalone"],
            cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        log.close()
        self._closing.callback(_stop_group, self._airflow)
        self._api = AirflowApi(f"http://127.0.0.1:{self.ports.ui}")
        self.tell("Airflow is starting …")

    def _fill(self) -> None:
        with self.connect() as connection:
            filled = fill_source(connection)
            install_schema(connection)
            if fill_org(connection, self.control) or filled:
                self.tell("The sample domain is filled: Northwind Cloud (fictional), in Postgres and in the org.")

    def _prepare_airflow(self) -> None:
        self._api.wait_until_up(START_SECONDS, self._check_airflow)
        self._api.warm_up()
        for connection in read_connections(SETTINGS, self.ports):
            self._api.ensure_connection(connection)
        for key, value in read_variables(SETTINGS).items():
            self._api.ensure_variable(key, value)
        for dag_id in DAGS:
            self._api.wait_for_dag(dag_id, START_SECONDS)
            self._api.unpause(dag_id)
        self.tell(f"Airflow is up at {self._api.url} (login admin, password admin).")

    def _check_airflow(self) -> None:
        if self._airflow is not None and self._airflow.poll() is not None:
            log = (self.place.folder / "airflow.log").read_text(errors="replace").strip().splitlines()
            raise StackError(f"Airflow ended at once: {' '.join(log[-3:])[:500]}")


def connect_source(ports: Ports, **more: Any) -> psycopg.Connection:
    """Open the source database of a stack as the exporter does."""
    return open_session("", host="127.0.0.1", port=ports.postgres, user="postgres", dbname=SOURCE_DATABASE, **more)


def _stop_group(process: subprocess.Popen[bytes]) -> None:
    """Stop a process and all its children: politely, then not."""
    for number, seconds in ((signal.SIGTERM, 6.0), (signal.SIGKILL, 5.0)):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and _group_lives(process):
            time.sleep(0.1)
    process.wait()


def _group_lives(process: subprocess.Popen[bytes]) -> bool:
    process.poll()
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True

"""The embedded stack: Postgres, the Salesforce sandbox and Airflow, started and stopped together."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg

from include.export.postgres import open_session
from local_stack.airflow_api import AirflowApi
from local_stack.credentials import Credentials, credentials_file
from local_stack.environment import make_environment, trust
from local_stack.place import ROOT, Place
from local_stack.ports import USUAL, USUAL_REDIS, PortReservation, Ports, StackError, choose_ports
from local_stack.postgres import EmbeddedPostgres
from local_stack.postgres.databases import SOURCE_DATABASE, fill_warehouse, install_export_tables, prepare_databases
from local_stack.private_files import open_private
from local_stack.processes.children import Children
from local_stack.processes.redis import find_redis, write_configuration
from local_stack.settings_file import read_connections, read_variables
from salesforce_sandbox.control import Control
from salesforce_sandbox.process import launch_sandbox, wait_for_sandbox
from sample_domain.existing_records import fill_org

SETTINGS = ROOT / "airflow_settings.yaml"
ORG = ROOT / "sample_domain" / "org.yaml"
DAGS = ("CRMExport", "CRMExport_ExportError", "CRMExport_Reconcile")
FREE_SPACE = 1_000_000_000  # bytes that the state and the logs need
START_SECONDS = 600  # for a busy machine; a process that ends is noticed at once
CHOOSE = Ports(0, 0, 0, 0, 0)  # the ports are chosen at the start
LOOK_SECONDS = 0.5  # between two checks of the processes


@dataclass
class Stack:
    """The stack; a context manager that stops everything it has started. Ports that are not given are chosen.

    With `workers`, this many Celery workers run the tasks, through a queue in Redis; without, the scheduler does.
    """

    place: Place
    ports: Ports = CHOOSE
    report: Callable[[str], None] = print
    extra_environment: dict[str, str] = field(default_factory=dict)
    workers: int = 0
    org: Path = ORG
    _closing: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def start(self) -> None:
        """Start everything, fill the sample domain, load the settings; raises StackError."""
        self._take_place()
        self._start_postgres()
        self._start_sandbox()
        self._start_airflow()
        self._fill()
        self._prepare_airflow()

    def __enter__(self) -> Stack:
        """Start the stack; when that fails, stop what was started."""
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
        return Control.from_ready_file(self.place.sandbox_ready)

    @property
    def credentials(self) -> Credentials:
        """Return the passwords and keys."""
        return self._credentials

    def connect(self, database: str = SOURCE_DATABASE) -> psycopg.Connection:
        """Open a database as its administrator; no horizon waits for the session, which counts as the exporter's."""
        return open_session(self._postgres.dsn(database))

    def check(self) -> None:
        """Raise StackError when a process of the stack has ended."""
        self._children.check()

    def wait(self) -> None:
        """Wait until something ends the stack; raises StackError when one of its processes has ended."""
        while True:
            self.check()
            time.sleep(LOOK_SECONDS)

    def _take_place(self) -> None:
        if self.workers:
            find_redis()  # without it, stop before anything starts
        self.place.make()
        lock = self._closing.enter_context(self.place.claim())
        if shutil.disk_usage(self.place.folder).free < FREE_SPACE:
            raise StackError(f"Less than 1 GB is free in {self.place.folder}; make room and retry.")
        if self.ports == CHOOSE:
            usual = replace(USUAL, redis=USUAL_REDIS) if self.workers else USUAL
            self.ports, notes = choose_ports(self._closing.enter_context(PortReservation()), usual)
            for note in notes:
                self.report(note)
        self._credentials, new = Credentials.ensure(self.place.folder)
        self._new_password = new
        self._children = Children(self.place.note, lock)
        self._closing.callback(self._children.close)
        self._children.open()
        self.place.note_running(self.ports)

    def _start_postgres(self) -> None:
        log = self.place.postgres / "log"
        self._postgres = EmbeddedPostgres(
            self.place.postgres, self.ports.postgres, durable=True,
            starter=lambda launch: self._children.start("Postgres", log, launch, database=True),
        )  # fmt: skip
        self._postgres.start()
        prepare_databases(self._postgres, self._credentials)
        self.report(f"Postgres is up at 127.0.0.1:{self.ports.postgres}.")

    def _start_sandbox(self) -> None:
        self._sandbox = self._children.start(
            "The Salesforce sandbox", self.place.sandbox / "sandbox.log",
            lambda: launch_sandbox(self.org, self.place.sandbox, self.ports.sandbox_http, self.ports.sandbox_https),
        )  # fmt: skip

    def _start_airflow(self) -> None:
        environment = make_environment(self.place, self.ports, self._credentials) | self.extra_environment
        log = self.place.logs / "airflow.log"
        command = [
            sys.executable,
            "-m",
            "local_stack.processes.airflow",
            str(self.place.logs),
            *self._ask_for_workers(),
        ]
        with open_private(log) as output:
            self._children.start("Airflow", log, lambda: subprocess.Popen(
                command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True, umask=0o077,
            ))  # fmt: skip
        self._api = AirflowApi(f"http://127.0.0.1:{self.ports.ui}", self._credentials.login)
        self.report(f"Airflow is starting{f', with {self.workers} Celery workers' if self.workers else ''} …")

    def _ask_for_workers(self) -> list[str]:
        if not self.workers:
            return []
        configuration = write_configuration(self.place.redis, self.ports.redis, self._credentials.redis)
        return ["--workers", str(self.workers), "--redis", str(configuration)]

    def _fill(self) -> None:
        filled = fill_warehouse(self.ports.postgres, self._credentials)
        install_export_tables(self._postgres)
        running = wait_for_sandbox(self._sandbox, self.place.sandbox)
        # the bundle is read at the first call to Salesforce, long after Airflow has started
        trust(self.place, self.place.sandbox / "ca.crt")
        self.report(f"The Salesforce sandbox is up at {running.https_url} (its contents: {running.http_url}/sandbox).")
        with self.connect() as connection:
            if fill_org(connection, self.control) or filled:
                self.report("The sample domain is filled: Northwind Cloud (fictional), in Postgres and in the org.")

    def _prepare_airflow(self) -> None:
        self._api.wait_until_up(START_SECONDS, self.check)
        self._api.warm_up()
        for connection in read_connections(SETTINGS, self.ports, self._credentials.exporter):
            self._api.ensure_connection(connection)
        for key, value in read_variables(SETTINGS).items():
            self._api.ensure_variable(key, value)
        for dag_id in DAGS:
            self._api.wait_for_dag(dag_id, START_SECONDS, self.check)
            self._api.unpause(dag_id)
        self.report(f"Airflow is up at {self._api.url} (login admin, {self.say_password()}).")

    def say_password(self) -> str:
        """Return the password when it is new; afterwards the file that holds it."""
        if self._new_password:
            return f"password {self._credentials.airflow_admin}"
        return f"its password is in {credentials_file(self.place.folder)}"

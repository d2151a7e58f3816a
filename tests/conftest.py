"""Shared fixtures: a real Postgres, a database for each test, the sandbox over HTTPS, and streams with rows."""

from __future__ import annotations

import gc
import os
import tempfile
from pathlib import Path

gc.set_threshold(100_000, 50, 100)  # nearly all that imports make stays; looking through it is a fifth of their time
_HOME = Path(tempfile.mkdtemp(prefix="crm-export-tests-"))
for _name in list(os.environ):
    if _name.startswith(("AIRFLOW_", "CRM_EXPORT_")) or _name.lower().endswith("_proxy"):
        del os.environ[_name]
ROOT = Path(__file__).resolve().parent.parent
os.environ |= {
    "AIRFLOW_HOME": str(_HOME),
    "CRM_EXPORT_SALESFORCE_HOSTS": "127.0.0.1",  # the sandbox's
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{_HOME}/airflow.db",
    "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(_HOME / "logs"),
    "AIRFLOW__API_AUTH__JWT_SECRET": "a secret of the tests, long enough for the signature of SHA 512 tokens " * 2,
}

import contextlib  # noqa: E402 - the environment comes before any import of Airflow
import itertools  # noqa: E402
import shutil  # noqa: E402
from collections.abc import Callable, Generator, Iterator  # noqa: E402
from dataclasses import replace  # noqa: E402
from typing import Any  # noqa: E402

import hypothesis  # noqa: E402
import psycopg  # noqa: E402
import pytest  # noqa: E402
import requests  # noqa: E402
from xdist.scheduler import LoadFileScheduling  # noqa: E402

from include.export.ledger.schema import install_schema  # noqa: E402
from include.export.postgres.session import prepare_session  # noqa: E402
from laboratory import InstalledPostgres, skip_without_old_postgres  # noqa: E402
from local_stack.postgres import EmbeddedPostgres  # noqa: E402
from salesforce_sandbox.control import Control  # noqa: E402
from salesforce_sandbox.process import RunningSandbox, start_sandbox  # noqa: E402
from server_folders import open_server_folder  # noqa: E402

pytest_plugins = ("leaks",)
_numbers = itertools.count(1)
STACK_TESTS = "tests/acceptance/"
# the time of an example depends more on the machine than on the code
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that runs the long tests at full length."""
    parser.addoption("--whole", action="store_true", help="every kill and the long races; minutes")


@pytest.fixture
def whole(request: pytest.FixtureRequest) -> bool:
    """Return whether the long tests run at their full length."""
    return bool(request.config.getoption("whole"))


class StackTogether(LoadFileScheduling):
    """Runs the tests of one file in order in one process, and all tests of the running stack in the same one."""

    def _split_scope(self, nodeid: str) -> str:
        return STACK_TESTS if nodeid.startswith(STACK_TESTS) else super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)  # only with xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> StackTogether:
    """Return the distribution of tests to processes."""
    return StackTogether(config, log)


def pytest_collection_finish() -> None:
    """Let later collections pass over what the import of Airflow and of the tests has made."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """Delete the temporary files of the run."""
    shutil.rmtree(_HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def metadata() -> None:
    """Create Airflow's metadata database, only for tests that use it, because its import takes seconds."""
    from airflow.utils.db import initdb

    initdb()


@contextlib.contextmanager
def serve_postgres(kind: type[EmbeddedPostgres] = EmbeddedPostgres) -> Generator[EmbeddedPostgres]:
    """Yield a server in a folder that its user can reach."""
    with open_server_folder("postgres") as folder:
        server = kind(folder, passwordless=True)  # its clients are in many files; deleted after the run
        server.start()
        try:
            yield server
        finally:
            server.remove()


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """Return the server of this worker."""
    with serve_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def old_postgres() -> Iterator[EmbeddedPostgres]:
    """Return a server of the oldest supported version, if the distribution has it."""
    skip_without_old_postgres()
    with serve_postgres(InstalledPostgres) as server:
        yield server


@pytest.fixture
def mortal_postgres() -> Iterator[EmbeddedPostgres]:
    """Return a server for this test only, which may stop it: other tests keep connections to the worker's server."""
    with serve_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def template(postgres: EmbeddedPostgres) -> str:
    """Return a database with the export schema, from which the tests' databases are cloned."""
    postgres.ensure_database("template_export")
    with psycopg.connect(postgres.dsn("template_export"), autocommit=True) as connection:
        install_schema(connection)
    return "template_export"


@pytest.fixture(scope="session")
def administrator(postgres: EmbeddedPostgres) -> Iterator[psycopg.Connection]:
    """Return the connection of this worker that creates and drops databases."""
    with psycopg.connect(postgres.dsn(), autocommit=True) as connection:
        yield connection


@pytest.fixture
def database(postgres: EmbeddedPostgres, administrator: psycopg.Connection, template: str) -> Iterator[str]:
    """Return the address of a fresh database."""
    name = f"test_{next(_numbers)}"
    administrator.execute(f"create database {name} template {template}")
    yield postgres.dsn(name)
    administrator.execute(f"drop database {name} with (force)")


@pytest.fixture
def connect(database: str) -> Iterator[Callable[..., psycopg.Connection]]:
    """Return a function that opens connections as the exporter does, or as another application does."""
    opened: list[psycopg.Connection] = []

    def open_one(application_name: str = "crm_export", **more: str) -> psycopg.Connection:
        opened.append(psycopg.connect(database, autocommit=True, application_name=application_name, **more))
        if application_name == "crm_export":
            prepare_session(opened[-1])
        return opened[-1]

    yield open_one
    for connection in opened:
        connection.close()


@pytest.fixture(scope="session")
def sandbox_server() -> Iterator[RunningSandbox]:
    """Return a sandbox of this worker, over HTTPS with its own CA."""
    with open_server_folder("sandbox") as folder, start_sandbox(ROOT / "tests" / "org.yaml", folder) as running:
        os.environ["REQUESTS_CA_BUNDLE"] = running.ca_file
        yield running


@pytest.fixture(scope="session")
def sandbox_control(sandbox_server: RunningSandbox) -> Iterator[Control]:
    """Return the control of this worker's sandbox, over connections that are kept: tests call it many times."""
    with requests.Session() as session:
        session.trust_env = False  # no proxy or password of the environment
        yield replace(sandbox_server.control, session=session)


@pytest.fixture
def sandbox(sandbox_control: Control) -> Control:
    """Return the control of a sandbox that has just been reset."""
    sandbox_control.reset()
    return sandbox_control

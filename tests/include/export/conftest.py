"""The exporter over empty tables and an empty org."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace

import psycopg
import pytest

from exporter import TABLES, Exporter
from include.export.salesforce.error_catalogue import Catalogue
from killing import Mortals, message, start_program
from salesforce_sandbox.control import Control
from salesforce_sandbox.process import RunningSandbox


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """Return the product's catalogue."""
    return Catalogue.load()


@pytest.fixture
def exporter(
    connect: Callable[..., psycopg.Connection],
    sandbox: Control,
    sandbox_server: RunningSandbox,
    catalogue: Catalogue,
) -> Exporter:
    """Return an exporter over empty tables and an empty org."""
    connection = connect()
    connection.execute(TABLES)
    return Exporter(connection, sandbox, sandbox_server.https_url, catalogue)


@pytest.fixture(scope="session")
def mortal_program() -> Iterator[subprocess.Popen[str]]:
    """Return this worker's program that runs mortal exporters."""
    with start_program() as program:
        yield program


@pytest.fixture(scope="session")
def mortal_airflow_program() -> Iterator[subprocess.Popen[str]]:
    """Return this worker's program whose exporters handle SIGTERM as in a task of Airflow."""
    with start_program("--airflow") as program:
        yield program


@pytest.fixture
def mortals(
    mortal_program: subprocess.Popen[str],
    exporter: Exporter,
    database: str,
    sandbox_server: RunningSandbox,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Mortals]:
    """Return runs that end at a chosen point."""
    running = Mortals(mortal_program, exporter, database, sandbox_server.ca_file)
    with message(capsys, running):
        yield running


@pytest.fixture
def airflow_mortals(mortals: Mortals, mortal_airflow_program: subprocess.Popen[str]) -> Mortals:
    """Return the same runs, which handle SIGTERM as in a task of Airflow."""
    return replace(mortals, program=mortal_airflow_program)

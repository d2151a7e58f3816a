"""The page inside Airflow's real API server, with a real Postgres and a user of each role."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import yaml
from airflow.api_fastapi.app import create_app
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.variable import Variable
from airflow.utils.session import create_session
from fastapi.testclient import TestClient
from sqlalchemy import delete, update

from exporter import ACCOUNTS, CONTACTS, TABLES, Exporter
from include.export.ledger import install_schema
from include.export.salesforce import Catalogue
from people import Person, define_postgres, know_dags
from salesforce_sandbox.control import Control
from salesforce_sandbox.process import RunningSandbox

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def server(metadata: None) -> Iterator[TestClient]:
    """Return a client of Airflow's API server with our plugin."""
    with TestClient(create_app(apps="core"), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def exporter(
    connect: Callable[..., psycopg.Connection],
    database: str,
    sandbox: Control,
    sandbox_server: RunningSandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Exporter:
    """Return an exporter over the database and the streams that the page shows."""
    place = dict(part.split("=") for part in database.split())
    define_postgres(
        monkeypatch, host=place["host"], port=int(place["port"]), login=place["user"], schema=place["dbname"]
    )
    for stream in (ACCOUNTS, CONTACTS):
        content = {key: value for key, value in stream.items() if key != "name"}
        (tmp_path / f"{stream['name']}.yaml").write_text(yaml.safe_dump(content))
    monkeypatch.setenv("CRM_EXPORT_STREAMS", str(tmp_path))
    connection = connect()
    connection.execute(TABLES)
    return Exporter(connection, sandbox, sandbox_server.https_url, Catalogue.load())


@pytest.fixture
def page(server: TestClient, exporter: Exporter) -> Iterator[Callable[..., Person]]:
    """Return a function that returns a user with a role; Variables are deleted afterwards."""
    yield lambda role="op", name="olga": Person(server, role, name)
    with create_session() as session:
        session.execute(delete(Variable))


@pytest.fixture
def op(page: Callable[..., Person]) -> Person:
    """Return a user with the role Op."""
    return page()


@pytest.fixture
def dags(exporter: Exporter) -> Iterator[None]:
    """Load our DAGs into Airflow, unpaused; their runs are deleted afterwards."""
    know_dags()
    yield
    with create_session() as session:
        session.execute(delete(DagRun))
        session.execute(update(DagModel).values(is_paused=True))


@pytest.fixture
def held(exporter: Exporter) -> Exporter:
    """Return an exporter whose stream is held at its second record."""
    exporter.add({"id": 1}, {"id": 2, "name": "bad"}, {"id": 3})
    exporter.run()
    assert exporter.gate() is not None
    return exporter


@pytest.fixture
def org(exporter: Exporter, monkeypatch: pytest.MonkeyPatch) -> Exporter:
    """Return an exporter whose org the API server can reach."""
    extra = {"consumer_key": "sandbox-key", "consumer_secret": "sandbox-secret"}
    extra["domain"] = exporter.https_url.removeprefix("https://") + "/services/oauth2/token#"
    monkeypatch.setenv("AIRFLOW_CONN_SALESFORCE_DEFAULT", json.dumps({"conn_type": "salesforce", "extra": extra}))
    install_schema(exporter.connection)
    return exporter

"""The page inside Airflow's real API server, with a real Postgres behind it and a person of each role in front."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from airflow.api_fastapi.app import create_app, get_auth_manager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.models.variable import Variable
from airflow.utils.db import initdb
from airflow.utils.session import create_session
from fastapi.testclient import TestClient
from httpx import Response
from sqlalchemy import delete

from exporter import ACCOUNTS, CONTACTS, TABLES, Exporter
from include.export.catalogue import Catalogue
from salesforce_sandbox.control import Control
from salesforce_sandbox.process import RunningSandbox

WRITING = {"Sec-Fetch-Site": "same-origin", "X-CRM-Export": "1"}


@dataclass
class Person:
    """Somebody at the page; without a role nobody is signed in."""

    client: TestClient
    role: str | None
    name: str = "olga"

    def get(self, path: str, **query: Any) -> Response:
        """Get a path below the page."""
        return self.client.get(f"/crm-export/{path}", params=query, headers=self._headers())

    def send(self, method: str, path: str, body: Any = None, **more: Any) -> Response:
        """Send JSON as the page does."""
        headers = self._headers() | WRITING | more.pop("headers", {})
        return self.client.request(method, f"/crm-export/{path}", json=body, headers=headers, **more)

    def put(self, path: str, body: Any) -> Response:
        """Change something."""
        return self.send("PUT", path, body)

    def post(self, path: str, body: Any) -> Response:
        """Ask for something."""
        return self.send("POST", path, body)

    def _headers(self) -> dict[str, str]:
        if self.role is None:
            return {}
        user = SimpleAuthManagerUser(username=self.name, role=self.role)
        return {"Authorization": f"Bearer {get_auth_manager().generate_jwt(user)}"}


@pytest.fixture(scope="session")
def server() -> Iterator[TestClient]:
    """Return a client of Airflow's API server with our plugin in it."""
    initdb()
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


def define_postgres(monkeypatch: pytest.MonkeyPatch, **fields: Any) -> None:
    """Define the connection postgres_default."""
    monkeypatch.setenv("AIRFLOW_CONN_POSTGRES_DEFAULT", json.dumps({"conn_type": "postgres", **fields}))


@pytest.fixture
def page(server: TestClient, exporter: Exporter) -> Iterator[Callable[..., Person]]:
    """Return a function that seats a person of a role at the page; Variables are forgotten afterwards."""
    yield lambda role="op", name="olga": Person(server, role, name)
    with create_session() as session:
        session.execute(delete(Variable))


@pytest.fixture
def op(page: Callable[..., Person]) -> Person:
    """Return an operator at the page."""
    return page()

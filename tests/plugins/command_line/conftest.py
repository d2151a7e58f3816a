"""The exporter as commands see it: Airflow connections in the environment, and a folder of stream files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from exporter import ACCOUNTS, TABLES, Exporter
from include.export.salesforce import Catalogue
from salesforce_sandbox.control import Control
from salesforce_sandbox.process import RunningSandbox


@pytest.fixture
def commands(
    connect: Callable[..., psycopg.Connection],
    sandbox: Control,
    sandbox_server: RunningSandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Exporter:
    """Return an exporter whose database and org the commands use, with a folder of one stream."""
    connection = connect()
    connection.execute(TABLES)
    exporter = Exporter(connection, sandbox, sandbox_server.https_url, Catalogue.load())
    info = connection.info
    extra = {"consumer_key": "sandbox-key", "consumer_secret": "sandbox-secret"}
    extra["domain"] = exporter.https_url.removeprefix("https://") + "/services/oauth2/token#"
    monkeypatch.setenv("AIRFLOW_CONN_SALESFORCE_DEFAULT", json.dumps({"conn_type": "salesforce", "extra": extra}))
    place = {"conn_type": "postgres", "host": info.host, "port": info.port, "login": info.user, "schema": info.dbname}
    monkeypatch.setenv("AIRFLOW_CONN_POSTGRES_DEFAULT", json.dumps(place | {"password": info.password}))
    monkeypatch.setenv("CRM_EXPORT_STREAMS", str(tmp_path))
    stream = {name: value for name, value in ACCOUNTS.items() if name != "name"}
    (tmp_path / "accounts.yaml").write_text(json.dumps(stream))
    return exporter

"""The exporter over empty tables and an empty org."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from exporter import TABLES, Exporter
from include.export.salesforce.error_catalogue import Catalogue
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

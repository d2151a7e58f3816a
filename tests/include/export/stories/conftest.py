"""The exporter on the laboratory's databases."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from exporter import Exporter, make_stream
from include.export.salesforce.error_catalogue import Catalogue
from laboratory import LAYOUTS, OLD, Database, clone_database
from salesforce_sandbox.control import Control
from salesforce_sandbox.process import RunningSandbox

FIELDS = {
    "Ext__c": "ext", "Name": "name", "Kind__c": "kind", "Amount__c": "amount", "Notes__c": "notes",
    "Since__c": "since", "Seen__c": "seen", "Active__c": "active",
}  # fmt: skip
TABLES = """
create schema app;
create table app.accounts (
    id integer primary key, ext text, name text, kind text, amount double precision, notes text, since date,
    seen timestamptz, active boolean, changed_at timestamptz not null, deleted_at timestamptz);
create index on app.accounts (changed_at, id);
create index on app.accounts (ext);
"""
_numbers = itertools.count(1)


@pytest.fixture(params=LAYOUTS)
def laboratory(request: pytest.FixtureRequest) -> Iterator[Database]:
    """Return a database of the laboratory, with the accounts' table."""
    server = request.getfixturevalue("old_postgres" if request.param.endswith(OLD) else "postgres")
    lay_out = contextmanager(LAYOUTS[request.param])
    with clone_database(server, f"laboratory_{next(_numbers)}") as dsn, lay_out(server, dsn, TABLES) as database:
        yield database


@pytest.fixture
def exporter(laboratory: Database, sandbox: Control, sandbox_server: RunningSandbox, catalogue: Catalogue) -> Exporter:
    """Return an exporter in the laboratory's database."""
    made = Exporter(laboratory.connect(), sandbox, sandbox_server.https_url, catalogue)
    made.owner = laboratory.owner
    made.stream = make_stream(fields=FIELDS)
    made.options |= {"poll_delays": (0.02, 0.05)}
    return made

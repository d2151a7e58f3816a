"""The schema: a database of version 1 is upgraded to the schema of a new one, and keeps its data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from include.export.ledger.schema import VERSION, install_schema, installed_version
from include.sql import load_statement
from local_stack.postgres import EmbeddedPostgres

VERSION_1 = Path(__file__).with_name("schema_1.sql").read_text(encoding="utf-8")
CATALOG = {
    "columns": "select table_name, column_name, data_type, is_nullable, column_default, generation_expression"
    " from information_schema.columns where table_schema = 'crm_export'",
    "indexes": "select tablename, indexname, indexdef from pg_indexes where schemaname = 'crm_export'",
    "constraints": "select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint"
    " where connamespace = 'crm_export'::regnamespace and contype <> 'n'",
    "functions": "select proname, prosrc, prosecdef from pg_proc where pronamespace = 'crm_export'::regnamespace",
}


@pytest.fixture
def old(postgres: EmbeddedPostgres) -> Iterator[psycopg.Connection]:
    """Return a connection to a database with the schema of version 1."""
    postgres.ensure_database("schema_1")
    with psycopg.connect(postgres.dsn("schema_1"), autocommit=True) as connection:
        connection.execute("drop schema if exists crm_export cascade")
        connection.execute(VERSION_1.encode())
        yield connection


def describe(connection: psycopg.Connection) -> dict[str, set[tuple[object, ...]]]:
    return {name: set(connection.execute(query).fetchall()) for name, query in CATALOG.items()}


def test_version_1_becomes_what_a_new_database_is(old: psycopg.Connection, database: str) -> None:
    assert installed_version(old) == "1"
    old.execute(
        "insert into crm_export.ExportErrors (stream, object, record_key, operation, error_code, error_name,"
        " error_class, error_message, dag_id, run_id) select 's', 'Account', n::text, 'upsert', 'X', 'X', 'data',"
        " 'Rule \"' || n || '\" says no', 'd', 'r' from generate_series(1, 3) n"
    )
    install_schema(old)
    assert installed_version(old) == VERSION
    assert old.execute("select count(*), count(distinct cause) from crm_export.ExportErrors").fetchone() == (3, 1)
    with psycopg.connect(database) as new:
        wanted, found = describe(new), describe(old)
    assert {name: wanted[name] ^ found[name] for name in wanted} == {name: set() for name in wanted}


def test_the_file_can_be_run_again_and_again(old: psycopg.Connection) -> None:
    for _ in range(2):
        old.execute(load_statement("ledger/schema"))
    assert installed_version(old) == VERSION

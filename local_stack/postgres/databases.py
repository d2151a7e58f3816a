"""The databases and roles of the stack: each part logs in as a role with only the rights that it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from include.export.ledger import install_schema
from include.export.postgres import open_session
from local_stack.credentials import Credentials
from local_stack.postgres.server import EmbeddedPostgres
from sample_domain.warehouse import fill_source

SOURCE_DATABASE, METADATA_DATABASE = "northwind", "airflow"
EXPORTER, WAREHOUSE, AIRFLOW = "crm_export", "warehouse", "airflow"
_SQL = Path(__file__).with_name("sql")


def prepare_databases(server: EmbeddedPostgres, credentials: Credentials) -> None:
    """Make the roles and databases that do not exist, and set the passwords of the credentials."""
    passwords = {
        EXPORTER: credentials.exporter, WAREHOUSE: credentials.warehouse, AIRFLOW: credentials.airflow_database
    }  # fmt: skip
    with psycopg.connect(server.dsn(), autocommit=True) as admin:
        for role, password in passwords.items():
            _ensure_role(admin, role, password)
    server.ensure_database(SOURCE_DATABASE)
    server.ensure_database(METADATA_DATABASE)
    with psycopg.connect(server.dsn(), autocommit=True) as admin:
        admin.execute(_load("databases"))
    with psycopg.connect(server.dsn(SOURCE_DATABASE), autocommit=True) as admin:
        admin.execute(_load("source_rights"))


def install_export_tables(server: EmbeddedPostgres) -> None:
    """Install the export's schema as its owner, the exporter's role, which may create schemas only during this call."""
    with psycopg.connect(server.dsn(SOURCE_DATABASE), autocommit=True) as admin:
        admin.execute(_load("install_begin"))
        try:
            admin.execute("set role crm_export")
            install_schema(admin)
        finally:
            admin.execute("reset role")
            admin.execute(_load("install_end"))


def fill_warehouse(ports_postgres: int, credentials: Credentials) -> bool:
    """Fill the sample's tables as their owner; returns whether they were empty before."""
    with connect(WAREHOUSE, ports_postgres, credentials) as connection:
        return fill_source(connection)


def connect(role: str, port: int, credentials: Credentials, **more: Any) -> psycopg.Connection:
    """Open the source database as a role; the exporter's sessions have its application name, for the horizon."""
    place = {"host": "127.0.0.1", "port": port, "user": role, "dbname": SOURCE_DATABASE, **more}
    if role == EXPORTER:
        return open_session("", password=credentials.exporter, **place)
    return psycopg.connect(
        **place, password=credentials.warehouse, autocommit=True, application_name=role, options="-c timezone=UTC"
    )


def _ensure_role(admin: psycopg.Connection, role: str, password: str) -> None:
    if not admin.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone():
        admin.execute(sql.SQL("create role {} login").format(sql.Identifier(role)))
    admin.execute(sql.SQL("alter role {} password {}").format(sql.Identifier(role), sql.Literal(password)))


def _load(name: str) -> bytes:
    return (_SQL / f"{name}.sql").read_bytes()

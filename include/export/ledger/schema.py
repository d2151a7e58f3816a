"""Installs and updates the schema crm_export from include/sql/ledger/schema.sql."""

from __future__ import annotations

import re
from dataclasses import dataclass

import psycopg
from psycopg import errors

from include.export.failures import ConfigurationFailure
from include.sql import fetch_one, load_statement

VERSION = "3"
_ADVISORY_LOCK = 7_241_889_011  # an arbitrary unused number: concurrent installers wait for each other


@dataclass(frozen=True)
class SchemaState:
    """The schema as a role sees it: its version, whether the role may install it, and tables it may not write."""

    version: str | None
    may_install: bool
    denied: list[str]


def read_schema_state(connection: psycopg.Connection) -> SchemaState:
    """Return the state of the schema as the role of a connection sees it."""
    may_install, denied = fetch_one(connection.execute(load_statement("ledger/schema_rights")))
    return SchemaState(installed_version(connection), may_install, denied)


def install_schema(connection: psycopg.Connection) -> str:
    """Install or update the schema and return what was done; raises ConfigurationFailure without the privilege."""
    if installed_version(connection) == VERSION:
        return f"Schema crm_export is up to date (version {VERSION})."
    try:
        with connection.transaction():
            connection.execute("select pg_advisory_xact_lock(%s)", [_ADVISORY_LOCK])
            connection.execute(load_statement("ledger/schema"))
    except errors.InsufficientPrivilege as error:
        role, database = connection.info.user, connection.info.dbname
        raise ConfigurationFailure(
            f"Role {role} may not create the schema crm_export in database {database}. Ask a DBA to run "
            f"include/sql/ledger/schema.sql there once, or run: grant create on database {database} to {role};"
        ) from error
    return f"Schema crm_export installed (version {VERSION})."


def installed_version(connection: psycopg.Connection) -> str | None:
    """Return the version of the installed schema, None when there is none."""
    row = connection.execute(load_statement("ledger/schema_version")).fetchone()
    found = re.fullmatch(r"CRM Export schema (\d+)", row[0] or "") if row else None
    return found[1] if found else None

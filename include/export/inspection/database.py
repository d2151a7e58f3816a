"""Checks a database: the schema crm_export, its grants, and whether the horizon can be read."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from include.export.failures import RunFailure
from include.export.inspection.checklist import CheckLine, Checklist, Level
from include.export.ledger import VERSION, SchemaState, explain_database_errors, read_schema_state
from include.export.source import read_horizon
from include.export.streams import Stream


@dataclass(frozen=True)
class DatabaseCheck:
    """The lines about a database; `is_ready`: an export could use it now."""

    lines: list[CheckLine]
    is_ready: bool


def check_database(name: str, connection: psycopg.Connection, streams: list[Stream]) -> DatabaseCheck:
    """Check a prepared connection for the streams that read it; `name` is that of its Airflow connection."""
    checks = Checklist(name)
    info = connection.info
    checks.ok("postgres", f"{info.host}:{info.port}/{info.dbname} as role {info.user}; settings and pooling are fine.")
    with checks.judge("schema"), explain_database_errors(name):
        if _check_schema(read_schema_state(connection), checks, connection):
            _check_horizon(connection, streams, checks)
    return DatabaseCheck(checks.lines, all(line.level is Level.OK for line in checks.lines))


def _check_schema(state: SchemaState, checks: Checklist, connection: psycopg.Connection) -> bool:
    """Return whether the schema can be used now."""
    role, database = connection.info.user, connection.info.dbname
    if state.version is None or int(state.version) < int(VERSION):
        found = "is not installed" if state.version is None else f"has version {state.version}, not {VERSION}"
        if state.may_install:
            checks.warn("schema", f"Schema crm_export {found}. The task prepare_schema of the next run installs it.")
        else:
            checks.fail(
                "schema",
                f"Schema crm_export {found}, and role {role} may not install it in {database}. Ask a DBA to run "
                f"include/sql/ledger/schema.sql there, or run: grant create on database {database} to {role};",
            )
        return False
    if state.denied:
        checks.fail(
            "grants",
            f"Role {role} may not read and write {len(state.denied)} tables of schema crm_export "
            f"({', '.join(state.denied[:3])}). Run as its owner: grant usage on schema crm_export to {role}; grant "
            f"select, insert, update, delete on all tables in schema crm_export to {role};",
        )
        return False
    checks.ok("schema", f"Schema crm_export has version {state.version}, and role {role} may use it.")
    return True


def _check_horizon(connection: psycopg.Connection, streams: list[Stream], checks: Checklist) -> None:
    """Read the horizon once for each combination of harmless roles and applications."""
    choices = {(stream.harmless_roles, stream.harmless_applications): stream for stream in reversed(streams)}
    for stream in choices.values():
        try:
            horizon = read_horizon(stream, connection)
        except RunFailure as failure:
            checks.fail("horizon", str(failure).removeprefix(f"Stream {stream.name}: "))  # it concerns the database
        else:
            checks.ok("horizon", f"Rows changed up to {horizon} can be read without missing any.")

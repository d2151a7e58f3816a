"""Poolers between the exporter and Postgres: session pooling works, transaction and statement pooling lose state."""

from __future__ import annotations

from typing import NoReturn

import psycopg

from include.export.failures import ConfigurationFailure
from include.export.postgres.session import READY_SECONDS, Connect, execute_within

PROBES = 3
PROBE_SECONDS = 5.0  # that a client may wait for a server connection of the pool
_PID = b"select pg_catalog.pg_backend_pid()"


def reject_transaction_pooling(connection: psycopg.Connection, connect: Connect) -> None:
    """Raise ConfigurationFailure unless every statement of a connection reaches the same server process.

    Without a pooler the process is the one that Postgres announced at connecting, and no more is checked. Otherwise a
    second client holds a transaction open while the first asks again: an idle transaction pool gives both the same
    server, a busy one gives the first another server; only with session pooling does the server stay the same and
    exclusive. `connect` opens that second client. Call this before any setting: it would leak into other sessions.
    """
    answers = execute_within(connection, _PID, READY_SECONDS)
    if not answers:
        raise psycopg.errors.ConnectionTimeout(f"no server of the pool was free for {READY_SECONDS:.0f} seconds")
    pid = int(answers[0].get_value(0, 0) or 0)
    if pid == connection.info.backend_pid:
        return
    if {_ask(connection) for _ in range(PROBES)} != {pid}:
        _reject(connection)
    try:
        other = connect()
    except psycopg.OperationalError:
        return  # the pool has no room for a second client, so no more can be checked
    try:
        _probe(connection, other, pid)
    finally:
        other.close()


def _probe(connection: psycopg.Connection, other: psycopg.Connection, pid: int) -> None:
    for _ in range(PROBES):
        held = _ask(other, b"begin; ")
        # an exclusive session answers at once, whatever the other client holds or waits for
        if held == pid or _ask(connection) != pid:
            _reject(connection)
        if held is None or _ask(other, b"rollback; ") is None:
            return
        if _ask(connection) != pid:
            _reject(connection)


def _ask(connection: psycopg.Connection, before: bytes = b"") -> int | None:
    """Return the pid of the server process that answers, None when none is free."""
    try:
        results = execute_within(connection, before + _PID, PROBE_SECONDS)
    except psycopg.errors.ProtocolViolation:  # statement pooling allows no transaction
        _reject(connection)
    value = results[-1].get_value(0, 0) if results else None
    return int(value) if value else None


def _reject(connection: psycopg.Connection) -> NoReturn:
    info = connection.info
    raise ConfigurationFailure(
        f"{info.host}:{info.port} is a pooler that gives each transaction another server process (pool_mode "
        "transaction or statement). Temporary tables, locks and settings of the export would be lost or leak into "
        "other sessions, so nothing is read or sent. Let postgres_default connect directly to Postgres, or through a "
        "session pooler (PgBouncer: pool_mode = session)."
    )

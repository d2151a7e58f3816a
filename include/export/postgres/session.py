"""Prepares a Postgres session for the exporter, whatever its role, its database or a pooler has set."""

from __future__ import annotations

import contextlib
import logging
import select
import time
from collections.abc import Callable, Mapping
from typing import Any

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import make_conninfo
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

from include.export.failures import ConfigurationFailure
from include.export.streams import Stream
from include.sql import load_statement

log = logging.getLogger(__name__)
Connect = Callable[[], psycopg.Connection]
APPLICATION_NAME = "crm_export"
READY_SECONDS = 20.0  # that a new connection may wait for a server connection of a pool

# settings that the text of values and statements depends on: with other values records would be wrong
_TEXTS = {
    "client_encoding": "UTF8",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "timezone_abbreviations": "Default",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "xmlbinary": "base64",
    "xmloption": "content",
    "lc_monetary": "C",
    "lc_numeric": "C",
    "lc_time": "C",
    "quote_all_identifiers": "off",
    "standard_conforming_strings": "on",
    "backslash_quote": "safe_encoding",
    "array_nulls": "on",
    "transform_null_equals": "off",
    "row_security": "off",  # a row that a policy hides would look deleted
    "gin_fuzzy_search_limit": "0",
    "restrict_nonsystem_relation_kind": "",
}
_TRANSACTIONS = {
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "default_transaction_deferrable": "off",
}
# waits are limited by the lease and by the exporter's own timeouts; a step may last as long as Salesforce takes
_WAITS = {
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "transaction_timeout": "0",
    "idle_session_timeout": "0",
}
_PLANS = {
    "jit": "off",  # the statements are short: compiling costs more than it saves
    "plan_cache_mode": "auto",
    "force_parallel_mode": "off",
    "debug_parallel_query": "off",
    "client_min_messages": "warning",
    "application_name": APPLICATION_NAME,
}
_FIRST = (
    b"set client_encoding = 'UTF8'; set quote_all_identifiers = off; set exit_on_error = off; "
    b"set search_path = pg_catalog, pg_temp"
)
_SETTINGS = _TEXTS | _TRANSACTIONS | _WAITS | _PLANS


def prepare_session(
    connection: psycopg.Connection, settings: Mapping[str, str] = _SETTINGS, *, patience: float = READY_SECONDS
) -> None:
    """Put a new connection into autocommit mode and set everything that the exporter depends on.

    The settings are set after connecting: poolers reject them as startup parameters. Unqualified names are looked up
    in pg_catalog only, so a function of the same name in a schema that others can write to is never called.
    `patience` is how many seconds a pooler may take to provide a server connection; then psycopg.OperationalError is
    raised. Raises ConfigurationFailure if the server forbids a setting that texts depend on, and for a database that
    is not in UTF-8.
    """
    _check_encoding(connection)
    connection.autocommit = True
    # by libpq directly: psycopg has no codec for some encodings that a role may have set
    if not execute_within(connection, _FIRST, patience):
        raise errors.ConnectionTimeout(f"no server of the pool was free for {patience:.0f} seconds")
    try:
        names, values = list(settings), list(settings.values())
        connection.execute(load_statement("postgres/session_settings"), {"names": names, "values": values})
    except psycopg.Error as error:
        _reject_broken(connection, error)
        _set_each(connection, settings)
    for aid in ("postgres/session_plans", "postgres/session_mark"):
        # optional: without them the session is slower, or the horizon waits for it; some services forbid them
        with contextlib.suppress(psycopg.ProgrammingError, psycopg.NotSupportedError):
            connection.execute(load_statement(aid))


def execute_within(connection: psycopg.Connection, statements: bytes, seconds: float) -> list[PGresult]:
    """Execute statements and return their results; none when the answer does not start within `seconds`.

    Raises psycopg.Error. Without an answer the connection cannot be used further.
    """
    wire, deadline = connection.pgconn, time.monotonic() + seconds
    wire.send_query(statements)
    wire.flush()
    while wire.is_busy():
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([wire.socket], [], [], left)[0]:
            return []
        wire.consume_input()
    results = []
    while result := wire.get_result():
        results.append(result)
    failed = [result for result in results if result.status not in {ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK}]
    if failed:
        raise errors.error_from_result(failed[0])
    return results


def admit_policies(connection: psycopg.Connection, stream: Stream) -> None:
    """Let row-level security filter a stream with `row_security`; make filtered reads of other streams fail."""
    wanted = "on" if stream.row_security else "off"
    connection.execute(load_statement("postgres/session_policies"), {"row_security": wanted})


def limit_statements(connection: psycopg.Connection, seconds: int) -> None:
    """Limit the statements of a session to some seconds; a longer one raises psycopg.errors.QueryCanceled."""
    connection.execute(load_statement("postgres/session_limit"), {"milliseconds": seconds * 1000})


def describe_connection(connection: psycopg.Connection) -> str:
    """Return the conninfo of a connection; it may hold a password."""
    info = connection.info
    password = {"password": info.password} if info.password else {}
    return make_conninfo("", **info.get_parameters() | password)


def open_session(conninfo: str, **parameters: Any) -> psycopg.Connection:
    """Connect and prepare the connection; the parameters are those of `psycopg.connect`."""
    connection = psycopg.connect(conninfo, autocommit=True, **parameters)
    try:
        prepare_session(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def reconnect(connection: psycopg.Connection) -> psycopg.Connection:
    """Return another prepared connection with the parameters of a connection, its password included."""
    return open_session(describe_connection(connection))


def _check_encoding(connection: psycopg.Connection) -> None:
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise ConfigurationFailure(
            f"Database {connection.info.dbname} has the encoding {encoding}, which cannot store Salesforce's answers, "
            "and its texts could arrive changed. CRM Export needs a database in UTF8: copy it with pg_dump into one "
            "created with createdb --encoding=UTF8 --template=template0."
        )


def _set_each(connection: psycopg.Connection, settings: Mapping[str, str]) -> None:
    known = connection.execute(load_statement("postgres/session_known"), {"names": list(settings)}).fetchall()
    for name, current in known:
        try:
            statement = sql.SQL("set {} = {}").format(sql.Identifier(name), sql.Literal(settings[name]))
            connection.execute(statement)
        except psycopg.Error as error:
            _reject_broken(connection, error)
            if current != settings[name]:
                _report_forbidden(connection, name, settings[name], error)


def _report_forbidden(connection: psycopg.Connection, name: str, value: str, error: psycopg.Error) -> None:
    role, answer = connection.info.user, error.diag.message_primary or type(error).__name__
    message = f"Postgres does not let role {role} set {name} = '{value}' ({answer})"
    remedy = f"alter role {role} set {name} = '{value}';"
    if name in _TEXTS or name in _TRANSACTIONS:
        raise ConfigurationFailure(
            f"{message}. Records could be read or written wrongly, so nothing is done. Run as an "
            f"administrator: {remedy}"
        ) from error
    log.warning("%s. This may end the run early. Run as an administrator: %s", message, remedy)


def _reject_broken(connection: psycopg.Connection, error: psycopg.Error) -> None:
    if connection.closed or connection.broken:
        raise error

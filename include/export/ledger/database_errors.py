"""Explains errors of Postgres to the person who must act; applied once, where a run starts."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager

import psycopg
from psycopg import errors
from psycopg.pq import TransactionStatus

from include.export.failures import ConfigurationFailure, RunFailure, SourceFailure, SourceMissing
from include.export.ledger.watermarks import ExportWatermarks
from include.export.source import explain_filter
from include.export.streams import Stream

_LASTING = (psycopg.ProgrammingError, psycopg.NotSupportedError, errors.ProgramLimitExceeded, errors.TooManyColumns,
            errors.TooManyArguments, errors.StatementTooComplex)  # fmt: skip
_MISSING = (errors.UndefinedTable, errors.UndefinedColumn, errors.UndefinedFunction, errors.InvalidSchemaName)


@contextmanager
def explain_database_errors(
    stream: str, reading: Stream | None = None, connection: psycopg.Connection | None = None
) -> Generator[None]:
    """Turn an error of Postgres inside the block into a RunFailure that names what and where.

    Given `reading` (the stream whose source is read) and its connection, the failure also names a policy that would
    filter the rows, and is retriable if what is missing existed in an earlier run.
    """
    try:
        yield
    except SourceMissing as missing:
        raise _let_retry(missing, stream, connection) from missing.__cause__
    except errors.InsufficientPrivilege as error:
        filtered = explain_filter(reading, connection) if reading and connection and _is_idle(connection) else None
        failure = ConfigurationFailure(filtered) if filtered else _explain(stream, error)
        raise _let_retry(failure, stream, connection) from error
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        raise _explain(stream, error) from None  # the original holds values of a row, which a log would show
    except psycopg.Error as error:
        raise _let_retry(_explain(stream, error), stream, connection) from error


def _let_retry(failure: RunFailure, stream: str, connection: psycopg.Connection | None) -> RunFailure:
    """Make a missing source retriable for a stream that was exported before: a rebuilt view, a grant that follows."""
    if not isinstance(failure, SourceMissing) or connection is None or not _is_idle(connection):
        return failure
    try:
        if ExportWatermarks(connection).read_position(stream) is None:
            return failure
    except psycopg.Error:  # the schema is not installed or may not be read, so nothing was exported
        return failure
    again = SourceMissing(f"{failure} It existed in an earlier run, so the task is retried.")
    again.retriable = True
    return again


def _is_idle(connection: psycopg.Connection) -> bool:
    return connection.info.transaction_status is TransactionStatus.IDLE


def _explain(stream: str, error: psycopg.Error) -> RunFailure:
    message = (error.diag.message_primary or str(error)).strip().splitlines()[0]
    if isinstance(error, psycopg.DataError):
        message = re.sub(r'".*"', '"…"', message)  # a value of a row
    if isinstance(error, _MISSING) and "crm_export" in message.lower() + (error.diag.schema_name or ""):
        return ConfigurationFailure(
            f"Stream {stream}: {message}. The schema crm_export is not installed or not up to date: run the task "
            "prepare_schema of CRMExport, or ask a DBA to run include/sql/ledger/schema.sql."
        )
    if isinstance(error, _MISSING):
        return SourceMissing(
            f"Stream {stream}: {message} in the source. Correct {stream}.yaml, or the table or view it names."
        )
    if isinstance(error, errors.InsufficientPrivilege):
        return SourceMissing(
            f"Stream {stream}: {message}. Grant the role of postgres_default SELECT on the source, and usage of the "
            "schema crm_export with SELECT, INSERT, UPDATE and DELETE on its tables."
        )
    if isinstance(error, errors.NotNullViolation) and error.diag.table_name == "exportbatchrows":
        return ConfigurationFailure(f"Stream {stream}: a row has no key. The key column must be unique and not null.")
    if isinstance(error, _LASTING):
        return ConfigurationFailure(
            f"Stream {stream}: Postgres answered: {message}. The same statement will fail again: correct {stream}.yaml "
            "or its source."
        )
    return SourceFailure(
        f"Stream {stream}: Postgres answered: {message}. Nothing was acknowledged; the next attempt continues."
    )

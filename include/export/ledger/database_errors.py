"""The errors of Postgres, told for the person who must act; translated once, where a run begins."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager

import psycopg
from psycopg import errors

from include.export.failures import ConfigurationFailure, RunFailure, SourceFailure

_MISSING = (errors.UndefinedTable, errors.UndefinedColumn, errors.UndefinedFunction, errors.InvalidSchemaName)


@contextmanager
def explain_database_errors(stream: str) -> Generator[None]:
    """Turn an error of Postgres inside the block into a RunFailure that names what and where."""
    try:
        yield
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        raise _explain(stream, error) from None  # its text holds values of a row, and a log shows the cause too
    except psycopg.Error as error:
        raise _explain(stream, error) from error


def _explain(stream: str, error: psycopg.Error) -> RunFailure:
    told = (error.diag.message_primary or str(error)).strip().splitlines()[0]
    if isinstance(error, psycopg.DataError):
        told = re.sub(r'".*"', '"…"', told)  # a value of a row
    if isinstance(error, _MISSING) and "crm_export" in told.lower() + (error.diag.schema_name or ""):
        return ConfigurationFailure(
            f"Stream {stream}: {told}. The schema crm_export is not installed or not up to date: run the task "
            "prepare_schema of CRMExport, or let a DBA run include/sql/ledger/schema.sql."
        )
    if isinstance(error, _MISSING):
        return ConfigurationFailure(
            f"Stream {stream}: {told} in the source. Correct {stream}.yaml, or the table or view it names."
        )
    if isinstance(error, errors.InsufficientPrivilege):
        return ConfigurationFailure(
            f"Stream {stream}: {told}. Grant the role of postgres_default SELECT on the source, and usage of the "
            "schema crm_export with SELECT, INSERT, UPDATE and DELETE on its tables."
        )
    if isinstance(error, errors.NotNullViolation) and error.diag.table_name == "exportbatchrows":
        return ConfigurationFailure(f"Stream {stream}: a row has no key. The key column must be unique and not null.")
    return SourceFailure(f"Stream {stream}: Postgres answered: {told}. Nothing was acknowledged; the next try goes on.")

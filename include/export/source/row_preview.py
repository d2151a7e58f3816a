"""The current source row of a record, for a person who may see it."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from psycopg import errors, sql

from include.export.failures import ConfigurationFailure
from include.export.source.absence import explain_filter
from include.export.source.source import Source
from include.export.streams import Stream
from include.sql import load_statement


@dataclass(frozen=True)
class SourceValue:
    """One mapped field: its column and what the row holds."""

    field: str
    column: str
    value: str | None


@dataclass(frozen=True)
class SourceRow:
    """A source row; `changed_at` is its change time as text."""

    changed_at: str | None
    values: list[SourceValue]


def read_source_row(stream: Stream, record_key: str, *, connection: psycopg.Connection) -> SourceRow | None:
    """Return a source row by its key, None when it is gone; long values are clipped.

    Raises ConfigurationFailure when the source or a column does not exist.
    """
    columns = [sql.SQL("left(s.{}::text, 2000)").format(sql.Identifier(name)) for name in stream.fields.values()]
    statement = load_statement("source/source_row").format(
        source=sql.Identifier(stream.source_schema, stream.source_table),
        cursor=sql.Identifier(stream.cursor),
        columns=sql.SQL(", ").join(columns),
        is_given=Source(stream, connection).key.equals(sql.SQL("%(key)s")),
    )
    try:
        found = connection.execute(statement, {"key": record_key}).fetchone()
    except errors.InsufficientPrivilege as error:
        message = explain_filter(stream, connection) or f"Stream {stream.name}: {error.diag.message_primary}."
        raise ConfigurationFailure(message) from error
    if found is None:
        return None
    values = [SourceValue(*names, value) for names, value in zip(stream.fields.items(), found[1:], strict=True)]
    return SourceRow(found[0], values)

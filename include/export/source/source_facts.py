"""Facts about a source for a check before the first run: its keys and texts, read in two seconds at most."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import errors, sql
from psycopg.rows import class_row

from include.export.source.source import Source
from include.export.streams import Stream
from include.sql import fetch_one, load_statement

ROWS_LOOKED_AT = 25_000
VALUES_SHOWN = 20


class TooSlow(Exception):  # noqa: N818 - not an error: the check is skipped
    """Reading facts about a source took longer than two seconds."""


@dataclass(frozen=True)
class RowFacts:
    """Counts over the first rows of a source; `lengths` is the longest text of each mapped column, in field order."""

    rows: int
    without_key: int
    shared_keys: int
    blank_ids: int
    shared_ids: int
    lengths: list[int]


@dataclass(frozen=True)
class RelationColumn:
    """A column of a table or view; `is_unique` is always False for a view."""

    name: str
    type: str
    category: str
    is_unique: bool
    is_primary: bool


def read_declared_lengths(stream: Stream, connection: psycopg.Connection) -> dict[str, int]:
    """Return the declared length, in characters, of each column of a source that has one."""
    wanted = {"schema": stream.source_schema, "table": stream.source_table}
    return dict(connection.execute(load_statement("source/declared_lengths"), wanted).fetchall())


def read_row_facts(source: Source) -> RowFacts:
    """Return counts over the first 25,000 rows of a source; raises TooSlow."""
    stream = source.stream
    lengths = [
        sql.SQL("coalesce(max(length(s.{}::text)), 0)").format(sql.Identifier(column))
        for column in stream.fields.values()
    ]
    statement = load_statement("source/row_facts").format(
        source=_name(stream),
        key=sql.Identifier(stream.key),
        external_id=sql.Identifier(stream.external_id_column),
        alive=_alive(stream),
        lengths=sql.SQL(", ").join(lengths),
    )
    with _brief(source.connection), source.connection.cursor(row_factory=class_row(RowFacts)) as cursor:
        return fetch_one(cursor.execute(statement, {"limit": ROWS_LOOKED_AT}))


def find_values_beyond(source: Source, column: str, known: Sequence[str], *, several: bool) -> list[str]:
    """Return up to 21 values of a column that are not among the known ones; raises TooSlow.

    `several`: a text holds several values separated by semicolons.
    """
    statement = load_statement("source/values_beyond").format(
        source=_name(source.stream), column=sql.Identifier(column)
    )
    wanted = {"limit": ROWS_LOOKED_AT, "several": several, "known": list(known), "most": VALUES_SHOWN + 1}
    with _brief(source.connection):
        return sorted(value for (value,) in source.connection.execute(statement, wanted))


def find_values_within(source: Source, column: str, wanted: Sequence[str], *, several: bool) -> list[str]:
    """Return which of the wanted values a column has in live rows; raises TooSlow.

    `several`: a text holds several values separated by semicolons.
    """
    statement = load_statement("source/values_within").format(
        source=_name(source.stream), column=sql.Identifier(column), alive=_alive(source.stream)
    )
    with _brief(source.connection):
        found = source.connection.execute(statement, {"wanted": list(wanted), "several": several})
        return sorted(value for (value,) in found)


def read_relation_columns(schema: str, table: str, connection: psycopg.Connection) -> list[RelationColumn]:
    """Return the columns of a table or view in their order; empty if it does not exist."""
    with connection.cursor(row_factory=class_row(RelationColumn)) as cursor:
        wanted = {"schema": schema, "table": table}
        return cursor.execute(load_statement("source/relation_columns"), wanted).fetchall()


@contextmanager
def _brief(connection: psycopg.Connection) -> Generator[None]:
    try:
        with connection.transaction():
            connection.execute("set local statement_timeout = '2s'")
            yield
    except errors.QueryCanceled:
        raise TooSlow from None


def _alive(stream: Stream) -> sql.Composable:
    return sql.SQL("s.{} is null").format(sql.Identifier(stream.deleted)) if stream.deleted else sql.SQL("true")


def _name(stream: Stream) -> sql.Identifier:
    return sql.Identifier(stream.source_schema, stream.source_table)

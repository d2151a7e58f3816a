"""What kind of relation a source is, and what proves that each of its rows has a unique position."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from include.export.failures import ConfigurationFailure
from include.export.streams import Stream
from include.sql import load_statement

NO_KEY = "(NULL)"  # returned by statements for a row without a key
_KINDS = {
    "r": "table",
    "p": "partitioned table",
    "v": "view",
    "m": "materialized view",
    "f": "foreign table",
}
_LATE = {
    "m": "a materialized view, whose rows appear when it is refreshed",
    "f": "a foreign table, whose rows another server may commit later",
}


@dataclass(frozen=True)
class Relation:
    """The relation that a stream reads, by Postgres's relkind; the rest is about its key column."""

    kind: str
    has_children: bool
    is_divided_by_key: bool
    is_never_null: bool
    is_unique: bool
    is_subscribed: bool

    @property
    def name(self) -> str:
        """Return the name of this kind of relation."""
        return _KINDS.get(self.kind, "relation")

    @property
    def is_provable(self) -> bool:
        """Return whether one unique index can cover the key of all rows: not for views, nor across several tables."""
        return (self.kind == "r" and not self.has_children) or (self.kind == "p" and self.is_divided_by_key)

    @property
    def why_late(self) -> str | None:
        """Return why rows may arrive later than their change time says, None if they do not."""
        if self.kind == "r" and self.is_subscribed:
            return "filled by a subscription, whose rows arrive after their change time"
        return _LATE.get(self.kind)


def read_relation(stream: Stream, connection: psycopg.Connection) -> Relation | None:
    """Return the relation of a stream's source, None when it does not have the key column."""
    wanted = {"schema": stream.source_schema, "table": stream.source_table, "key": stream.key}
    with connection.cursor(row_factory=class_row(Relation)) as cursor:
        return cursor.execute(load_statement("source/source_relation"), wanted).fetchone()


def check_key(stream: Stream, relation: Relation, connection: psycopg.Connection) -> None:
    """Raise ConfigurationFailure for a table whose rows may share a key or lack one: they would never be sent."""
    if not relation.is_provable or (relation.is_unique and relation.is_never_null):
        return
    table = sql.Identifier(stream.source_schema, stream.source_table)
    key = sql.Identifier(stream.key)
    remedies, missing = [], []
    if not relation.is_unique:
        missing.append("no valid unique index covers exactly this column")
        # an index on a partitioned table cannot be created concurrently
        how = "" if relation.kind == "p" else " concurrently"
        remedies.append(sql.SQL("create unique index" + how + " on {} ({});").format(table, key))
    if not relation.is_never_null:
        missing.append("it may be NULL")
        remedies.append(sql.SQL("alter table {} alter column {} set not null;").format(table, key))
    raise ConfigurationFailure(
        f"Stream {stream.name}: key {stream.key} does not identify the rows of {stream.source}: "
        f"{' and '.join(missing)}. Rows that share a key or lack one would never be sent. Name the primary key as key "
        f"in {stream.name}.yaml, or run: {sql.SQL(' ').join(remedies).as_string(connection)}"
    )


def explain_shared_position(stream: Stream, record_key: str) -> ConfigurationFailure:
    """Return the failure of a run that found two rows with one key, or a row without a key."""
    if record_key == NO_KEY:
        found = f"a row has no {stream.key}, so it would never be sent"
    else:
        found = f"two rows share the key {stream.key} = {record_key}, so one of them would never be sent"
    return ConfigurationFailure(
        f"Stream {stream.name}: in {stream.source} {found}. Nothing more is sent until each row has a unique key: "
        f"correct the view, or name another key in {stream.name}.yaml."
    )

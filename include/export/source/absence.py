"""Rows that are not found: whether that proves that they were deleted, and what may hide them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg.rows import class_row

from include.export.source.source import Source
from include.export.streams import Stream
from include.sql import load_statement


@dataclass(frozen=True)
class RelationBelow:
    """A table below a source that may show only part of its rows."""

    name: str
    is_foreign: bool
    has_policies: bool
    policies: list[str]


def find_gone(source: Source, record_keys: Sequence[str]) -> list[str]:
    """Return the keys whose rows are proven gone; call it in the transaction that acts on the result.

    Nothing is proven if policies choose the rows (`row_security: true`), or if a foreign server may do so. For every
    other stream a read that a policy would filter fails. The check reads the whole source.
    """
    if may_hide_rows(source):
        return []
    found = source.connection.execute(source.compose("source/source_gone", None), {"keys": list(record_keys)})
    return [key for (key,) in found]


def may_hide_rows(source: Source) -> bool:
    """Return whether policies or a foreign server may hide rows of a source."""
    below = _read_below(source.stream, source.connection)
    return source.stream.row_security or any(each.is_foreign for each in below)


def explain_filter(stream: Stream, connection: psycopg.Connection) -> str | None:
    """Return which policy made a read fail because it would filter the rows, None when none did."""
    filtered = [each for each in _read_below(stream, connection) if each.has_policies]
    if not filtered or stream.row_security:
        return None
    message = "; ".join(f"{each.name} ({_name_policies(each)})" for each in filtered)
    role = connection.info.user
    return (
        f"Stream {stream.name}: row-level security hides rows from role {role}: {message}. Hidden rows would look "
        f"deleted, so nothing is read. Run as an administrator: alter role {role} bypassrls; or, where the policy is "
        f"meant to choose what is exported, set row_security: true in {stream.name}.yaml."
    )


def _name_policies(relation: RelationBelow) -> str:
    if not relation.policies:
        return "no policy admits a row"
    return f"{'policies' if len(relation.policies) > 1 else 'policy'} {', '.join(relation.policies)}"


def _read_below(stream: Stream, connection: psycopg.Connection) -> list[RelationBelow]:
    wanted = {"schema": stream.source_schema, "table": stream.source_table}
    with connection.cursor(row_factory=class_row(RelationBelow)) as cursor:
        return cursor.execute(load_statement("source/relations_below"), wanted).fetchall()

"""Whether indexes support what every run reads: rows in position order, and other rows with one external id."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from psycopg import sql

from include.export.positions import Position
from include.export.source.source import Source
from include.sql import fetch_value, pin_index_plans

log = logging.getLogger(__name__)
CHEAP_SORT_ROWS = 10_000  # sorting this many rows is not worth a warning
CHEAP_PLAN_COST = (
    100.0  # in Postgres's cost units: an index lookup costs about ten, reading ten thousand rows some hundreds
)


def warn_without_index(
    source: Source, after: Position | None, horizon: str, report: Callable[..., None] = log.warning
) -> None:
    """Warn of missing indexes, without which each run reads the whole table instead of the changed rows.

    A foreign table is not checked: its indexes are on another server. `report` takes a format and its values, as a
    logger does.
    """
    if source.relation.kind == "f":
        return
    _warn_of_order(source, after, horizon, report)
    if source.stream.external_id_column != source.stream.key:
        _warn_of_duplicates(source, report)


def _warn_of_duplicates(source: Source, report: Callable[..., None]) -> None:
    """Each row that is sent is checked for other rows with its external id: by an index, or by reading the table."""
    stream, column = source.stream, sql.Identifier(source.stream.external_id_column)
    statement = source.compose("source/source_duplicates_plan", None, external_id=column)
    plan: Mapping[str, Any] = fetch_value(source.connection.execute(statement))[0]["Plan"]
    first = sum(node["Total Cost"] for node in plan.get("Plans", ()) if node["Parent Relationship"] == "InitPlan")
    if plan["Total Cost"] - first > CHEAP_PLAN_COST:
        report(
            "Stream %s: no index finds rows of %s by %s, the external id, so every row that is sent costs a read of "
            "the whole table. %s",
            stream.name, stream.source, stream.external_id_column, _write_remedy(source, column),
        )  # fmt: skip


def _warn_of_order(source: Source, after: Position | None, horizon: str, report: Callable[..., None]) -> None:
    rows = max((node["Plan Rows"] for node in _plan(source, after, horizon) if node["Node Type"] == "Sort"), default=0)
    if rows > CHEAP_SORT_ROWS:
        stream = source.stream
        columns = sql.SQL(", ").join([sql.Identifier(stream.cursor), source.key.order_of_index])
        report(
            "Stream %s: no index returns the rows of %s in the order of %s and %s, so every run sorts all of them. "
            "%s",
            stream.name, stream.source, stream.cursor, stream.key, _write_remedy(source, columns),
        )  # fmt: skip


def _write_remedy(source: Source, columns: sql.Composable) -> str:
    """Return advice with the statement that creates an index: on the table, not on its view."""
    listed, stream = columns.as_string(source.connection), source.stream
    table = sql.Identifier(stream.source_schema, stream.source_table).as_string(source.connection)
    if source.relation.kind == "p":
        return f"Create one on the parent, which creates it in each partition: create index on {table} ({listed})"
    if source.relation.kind == "v":
        return f"Create one on the table below the view: create index concurrently on … ({listed})"
    return f"Create one: create index concurrently on {table} ({listed})"


def _plan(source: Source, after: Position | None, horizon: str) -> Iterator[Mapping[str, Any]]:
    values = {"horizon": horizon, **(after.as_values() if after else {})}
    with source.connection.transaction():
        pin_index_plans(source.connection)
        plan = fetch_value(source.connection.execute(source.compose("source/source_order_plan", after), values))
    return _nodes(plan[0]["Plan"])


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)

"""How long changes have waited in a source, including those above the horizon."""

from __future__ import annotations

from datetime import timedelta

from psycopg import sql

from include.export.positions import Position
from include.export.source.source import Source
from include.export.streams import Stream


def read_oldest_waiting(source: Source, after: Position | None, hours: float) -> str | None:
    """Return the time of the oldest change after a position, in UTC, if it is older than `hours`, else None."""
    values = {"hours": hours, **(after.as_values() if after else {})}
    row = source.connection.execute(source.compose("source/lag_oldest", after), values).fetchone()
    return str(row[0]) if row else None


def find_oldest_waiting_delete(
    source: Source, after: Position | None, purged_after: timedelta, warning: timedelta
) -> str | None:
    """Return when the row of the first delete after a position is purged, in UTC, None if `warning` is shorter."""
    deleted = sql.Identifier(_deleted_column(source.stream))
    statement = source.compose("source/lag_delete", after, deleted=deleted)
    values = {
        "stream": source.stream.name,
        "purged_after": purged_after,
        "warning": warning,
        **(after.as_values() if after else {}),
    }
    row = source.connection.execute(statement, values).fetchone()
    return str(row[0]) if row else None


def _deleted_column(stream: Stream) -> str:
    if stream.deleted is None:
        raise ValueError(f"Stream {stream.name} has no `deleted` column.")
    return stream.deleted

"""The figures of a stream that are reported as metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import psycopg
from psycopg.rows import class_row

from include.sql import load_statement


@dataclass(frozen=True)
class StreamHealth:
    """The figures of a stream after its last run."""

    stream: str
    open_errors: int
    held: int
    rows_waiting: int
    lag_seconds: float | None

    @property
    def gauges(self) -> dict[str, float]:
        """Return the known figures by name."""
        values = asdict(self)
        return {name: float(value) for name, value in values.items() if name != "stream" and value is not None}


def read_stream_health(streams: Sequence[str], *, connection: psycopg.Connection) -> list[StreamHealth]:
    """Return the figures of the named streams that have run at least once."""
    with connection.cursor(row_factory=class_row(StreamHealth)) as cursor:
        return cursor.execute(load_statement("reports/stream_health"), {"streams": list(streams)}).fetchall()

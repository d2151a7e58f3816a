"""One line per stream, for people: what the last run did and where the stream stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg.rows import class_row

from include.export.ledger import explain_database_errors
from include.sql import load_statement


@dataclass(frozen=True)
class StreamSummary:
    """Where a stream stands; the `held_…` fields are None unless it is stopped at a refused record."""

    stream: str
    watermark: str | None
    record_key: str | None
    held_since: str | None
    held_key: str | None
    held_code: str | None
    held_message: str | None
    outcome: str | None
    message: str | None
    rows_changed: int
    rows_sent: int
    accepted: int
    refused: int
    rows_waiting: int | None
    open_errors: int
    waiting: int


def summarise_streams(streams: Sequence[str], *, connection: psycopg.Connection) -> list[StreamSummary]:
    """Return the summaries of the named streams that have run at least once, in the order asked for."""
    with explain_database_errors("all"), connection.cursor(row_factory=class_row(StreamSummary)) as cursor:
        found = {
            row.stream: row
            for row in cursor.execute(load_statement("reports/stream_summary"), {"streams": list(streams)})
        }
    return [found[name] for name in streams if name in found]

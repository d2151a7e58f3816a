"""What continuing past rejected records would mean now, for the dialog that asks for an acknowledgement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg.rows import dict_row

from include.export.ledger import ExportWatermarks
from include.export.reports.error_counts import count_errors, sum_errors
from include.export.source import WaitingChanges, count_waiting_changes
from include.export.streams import Loaded, Stream
from include.sql import load_statement


@dataclass(frozen=True)
class HeldStream:
    """A stream that would continue; `rows_waiting` are the rows behind its rejected record."""

    stream: str
    error_id: int
    record_key: str
    rows_waiting: int | None
    capped: bool


@dataclass(frozen=True)
class Acknowledgement:
    """How many records are unresolved now, and which streams would continue."""

    unresolved: int
    holds: list[HeldStream]


def read_acknowledgement(streams: Sequence[Loaded], *, connection: psycopg.Connection) -> Acknowledgement:
    """Return what turning pause_on_export_errors off would mean."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(load_statement("reports/acknowledgement")).fetchall()
    known = {stream.name: stream for stream in streams if isinstance(stream, Stream)}
    holds = [_read_hold(hold, known.get(hold["stream"]), connection) for hold in rows]
    return Acknowledgement(sum_errors(count_errors(connection).values()).unresolved, holds)


def _read_hold(hold: dict[str, object], stream: Stream | None, connection: psycopg.Connection) -> HeldStream:
    waiting = WaitingChanges(None)
    if stream is not None:
        after = ExportWatermarks(connection).read_position(stream.name)
        waiting = count_waiting_changes(stream, after, connection)
    behind = None if waiting.rows is None else max(waiting.rows - 1, 0)
    return HeldStream(str(hold["stream"]), int(str(hold["error_id"])), str(hold["record_key"]), behind, waiting.capped)

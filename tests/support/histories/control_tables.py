"""The content of a stream's control tables at a moment, for the invariants."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg

from histories.source_model import Place

_READ = """
select w.cursor_at, w.record_key, w.stopped_at_error_id, w.lease_epoch, w.lease_until > clock_timestamp(),
       e.id, e.record_key, e.record_changed_at, e.error_code, e.status, e.holding, e.attempts
from crm_export.ExportWatermarks w left join crm_export.ExportErrors e on e.stream = w.stream
where w.stream = 'accounts'
"""
_TABLES = ("ExportErrorAttempts", "ExportErrors", "ExportBatchRows", "ExportBatches", "ExportRuns", "ExportWatermarks",
           "ExportedVersions", "ExportFindings", "ExportAuditRecords", "ExportAudit")  # fmt: skip
_EMPTY = (
    "".join(f"delete from crm_export.{table};" for table in _TABLES)
    + "delete from app.accounts; delete from app.visits"
)


@dataclass(frozen=True)
class ErrorLine:
    """A row of ExportErrors."""

    id: int
    key: int
    changed_at: datetime | None
    code: str
    status: str
    holding: bool
    attempts: int

    @property
    def place(self) -> Place:
        """Return the position of the rejected version."""
        assert self.changed_at is not None
        return (self.changed_at, self.key)


@dataclass(frozen=True)
class Snapshot:
    """The control tables of the stream."""

    watermark: Place | None = None
    stopped_at: int | None = None
    epoch: int = 0
    leased: bool = False
    errors: dict[int, ErrorLine] = field(default_factory=dict)

    def is_behind(self, place: Place) -> bool:
        """Return whether the watermark has passed a position."""
        return self.watermark is not None and place <= self.watermark

    @property
    def unresolved(self) -> list[ErrorLine]:
        """Return the errors that are not resolved."""
        return [error for error in self.errors.values() if error.status != "resolved"]


def take_snapshot(connection: psycopg.Connection[Any]) -> Snapshot:
    """Read the control tables of the stream."""
    rows = connection.execute(_READ, prepare=True).fetchall()
    if not rows:
        return Snapshot()
    cursor_at, record_key, stopped_at, epoch, leased = rows[0][:5]
    errors = {row[5]: ErrorLine(row[5], int(row[6]), *row[7:]) for row in rows if row[5] is not None}
    place = (cursor_at, int(record_key)) if cursor_at else None
    return Snapshot(place, stopped_at, epoch, bool(leased), errors)


def empty_tables(connection: psycopg.Connection[Any]) -> None:
    """Empty the tables for the next history."""
    connection.execute(_EMPTY)

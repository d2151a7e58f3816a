"""The table ExportResends: ranges of exported rows to send again; the watermark does not move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import psycopg
from psycopg.rows import class_row

from include.export.ledger.runs import RunEntry
from include.export.ledger.watermarks import Lease
from include.export.positions import Position, Window
from include.sql import load_statement

ResendState = Literal["queued", "running", "waiting", "held", "done"]


@dataclass(frozen=True)
class Resend:
    """An unfinished resend. `horizon` is just above its last change time; `key` is set for a single record."""

    id: int
    key: str | None
    cursor_at: str | None
    record_key: str | None
    start_at: str | None
    start_key: str
    horizon: str

    @property
    def position(self) -> Position | None:
        """Return the position after which it continues, None for the beginning of the stream."""
        return Position(self.start_at, self.start_key) if self.start_at else None


@dataclass(frozen=True)
class ListedResend:
    """A resend, for people: `rows_total` is None if the rows were not counted, `state` says what happens next.

    `held` continues once the stream is no longer held, `waiting` in the next run.
    """

    id: int
    stream: str
    asked_by: str
    asked_at: datetime
    reason: str
    key: str | None
    from_at: datetime | None
    to_at: datetime | None
    cursor_at: datetime | None
    finished_at: datetime | None
    rows_total: int | None
    rows_sent: int
    state: ResendState


@dataclass(frozen=True)
class ResendEntry(RunEntry):
    """The line of a run during a resend: its rows are counted for the resend too."""

    resend: int = 0

    def count(self, **amounts: int) -> None:
        """Add what a batch did to the run, and its rows to the resend."""
        super().count(**amounts)
        ExportResends(self.connection).count(self.resend, amounts["rows_changed"])


@dataclass
class ResendLease(Lease):
    """The lease of a stream during a resend: the resend's progress moves instead of the watermark."""

    resend: int = 0

    @classmethod
    def of(cls, lease: Lease, resend: int) -> ResendLease:
        """Return the lease as a resend uses it."""
        return cls(lease.connection, lease.stream, lease.epoch, lease.seconds, resend=resend)

    def move_watermark(self, batch: int, ordinal: int) -> None:
        """Move the progress to a row of a batch's manifest."""
        self._execute("ledger/resend_move", resend=self.resend, batch=batch, ordinal=ordinal)

    def set_watermark(self, window: Window, position: Position) -> None:
        """Move the progress to a position of a window."""
        values = {**window.as_values(), **position.as_values()}
        self._execute("ledger/resend_set", resend=self.resend, **values)

    def read_watermark(self) -> Position | None:
        """Return the progress of the resend."""
        row = self._execute("ledger/resend_position", resend=self.resend).fetchone()
        return Position(row[0], row[1]) if row and row[0] else None

    def stop_at(self, error: int | None) -> None:
        """Do nothing: a rejected record below the watermark does not stop the stream."""


@dataclass(frozen=True)
class ExportResends:
    """The table, at one connection in autocommit mode."""

    connection: psycopg.Connection

    def ask(
        self,
        stream: str,
        *,
        asked_by: str,
        reason: str,
        key: str | None = None,
        from_at: str | None = None,
        to_at: str | None = None,
        rows: int | None = None,
        once: bool = False,
    ) -> int | None:
        """Request that a range of change times, or one record, is sent again; audited. `rows` is their number.

        Returns the id of the resend, None if `once` is set and the same person has already requested one.
        """
        values = {
            "stream": stream, "asked_by": asked_by, "reason": reason, "key": key, "from_at": from_at, "to_at": to_at,
            "rows": rows, "once": once,
        }  # fmt: skip
        row = self.connection.execute(load_statement("ledger/resend_ask"), values).fetchone()
        return int(row[0]) if row else None

    def find_unfinished(self, stream: str) -> list[Resend]:
        """Return the resends of a stream that are not finished, oldest first."""
        with self.connection.cursor(row_factory=class_row(Resend)) as cursor:
            return cursor.execute(load_statement("ledger/resend_unfinished"), {"stream": stream}).fetchall()

    def find_of_window(self, stream: str, window: Window) -> Resend | None:
        """Return the resend whose progress is at the start of a window, None for a window of the export itself."""
        return next((resend for resend in self.find_unfinished(stream) if resend.position == window.start), None)

    def find_same(self, stream: str, *, key: str | None, from_at: str | None, to_at: str | None) -> int | None:
        """Return an unfinished resend of the same rows."""
        values = {"stream": stream, "key": key, "from_at": from_at, "to_at": to_at}
        row = self.connection.execute(load_statement("ledger/resend_same"), values).fetchone()
        return int(row[0]) if row else None

    def count(self, resend: int, rows: int) -> None:
        """Add rows that a resend has sent."""
        self.connection.execute(load_statement("ledger/resend_count"), {"resend": resend, "rows": rows})

    def finish(self, resend: int) -> None:
        """Mark a resend as finished."""
        self.connection.execute(load_statement("ledger/resend_finish"), {"resend": resend})

    def list_recent(self, stream: str, limit: int) -> list[ListedResend]:
        """Return the resends of a stream of the last month and the unfinished ones, newest first."""
        with self.connection.cursor(row_factory=class_row(ListedResend)) as cursor:
            return cursor.execute(load_statement("ledger/resend_list"), {"stream": stream, "limit": limit}).fetchall()

    def begin_new_org(self, stream: str, *, asked_by: str, reason: str) -> bool:
        """Let a stream start over in another org behind its connection; audited. Returns False if it has never run."""
        values: Mapping[str, object] = {"stream": stream, "asked_by": asked_by, "reason": reason}
        return self.connection.execute(load_statement("ledger/resend_new_org"), values).rowcount > 0

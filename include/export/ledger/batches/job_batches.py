"""The lines of Bulk jobs in ExportBatches and ExportBatchRows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from psycopg.rows import RowMaker, class_row
from psycopg.types.json import Jsonb

from include.export.positions import Position, Window
from include.sql import fetch_one, fetch_value, load_statement

_BOUNDS = ("range_from_at", "range_from_key", "range_to_at", "range_to_key")


@dataclass(frozen=True)
class JobBatch:
    """A Bulk job of the ledger: its rows are those of a window, without the rows CSV cannot represent.

    Without a window, its rows are listed in its manifest.

    `part` of `parts` holds the rows of a window whose parents hash to it; `sent` is known after the upload.
    """

    id: int
    transport: str
    action: str
    state: str
    job_id: str | None
    row_count: int
    sent: int | None
    window: Window | None
    window_id: UUID | None
    part: int
    parts: int
    planned_at: str


@dataclass(frozen=True)
class Unrecorded:
    """Rejections of a job that are counted by code only, and the first of them, unless its row has changed since."""

    codes: Mapping[str, int] = field(default_factory=dict)
    first: Position | None = None


@dataclass(frozen=True)
class CountedOnly:
    """What is only counted of the jobs of a window: rejections by code, and rows that were not processed."""

    rejected: Mapping[str, int]
    unprocessed: int

    @property
    def rows(self) -> int:
        """Return how many rows they are."""
        return sum(self.rejected.values()) + self.unprocessed


@dataclass(frozen=True)
class JobBatches:
    """The jobs of the ledger, at one connection."""

    connection: psycopg.Connection

    def plan_jobs(self, window: Window | None, rows: int, parts: int, values: Mapping[str, object]) -> list[JobBatch]:
        """Write the ledger's lines of a window's jobs, or of one job of listed rows if `window` is None.

        `values` are stream, run, epoch and action.
        """
        bounds = window.as_values() if window else dict.fromkeys(_BOUNDS)
        wanted = {"rows": rows, "parts": parts, "window_id": uuid4(), **bounds, **values}
        return self._jobs("ledger/batch_plan_jobs", wanted)

    def read_age(self, batch: JobBatch) -> timedelta:
        """Return how long ago a job was planned, by the database's clock."""
        age: timedelta = fetch_value(self.connection.execute(load_statement("ledger/batch_age"), {"batch": batch.id}))
        return age

    def note_job(self, batch: JobBatch, job_id: str) -> None:
        """Store the id of a batch's job; committed before the first byte of its rows is sent."""
        self.connection.execute(load_statement("ledger/batch_job"), {"batch": batch.id, "job_id": job_id})

    def note_upload(self, batch: JobBatch, sent: int) -> None:
        """Store how many rows a job holds; committed before the upload is closed."""
        self.connection.execute(load_statement("ledger/batch_uploaded"), {"batch": batch.id, "sent": sent})

    def read(self, batch: int) -> JobBatch:
        """Return the batch of a job as the ledger has it."""
        return self._jobs("ledger/batch_read", {"batch": batch})[0]

    def settle(
        self, batch: JobBatch, *, accepted: int, rejected: int, unprocessed: int, unrecorded: Unrecorded | None = None
    ) -> None:
        """Mark the batch of a job settled with its counts, and with what is counted only."""
        values = {"batch": batch.id, "accepted": accepted, "rejected": rejected, "unprocessed": unprocessed}
        known = unrecorded or Unrecorded()
        first = known.first.as_values() if known.first else dict.fromkeys(("cursor_at", "record_key"))
        codes = Jsonb(dict(known.codes)) if known.codes else None
        self.connection.execute(load_statement("ledger/batch_settle_job"), {"codes": codes, **first, **values})

    def find_of_window(self, window_id: UUID | None) -> list[JobBatch]:
        """Return the batches of a window, settled and abandoned ones too."""
        return self._jobs("ledger/batch_of_window", {"window_id": window_id})

    def sum_counted_only(self, window_id: UUID | None) -> CountedOnly:
        """Sum what is only counted of the jobs of a window."""
        statement = load_statement("ledger/batch_counted_only")
        with self.connection.cursor(row_factory=class_row(CountedOnly)) as cursor:
            return fetch_one(cursor.execute(statement, {"window_id": window_id}))

    def find_unsettled(self, stream: str) -> list[JobBatch]:
        """Return the batches that earlier runs left unsettled, oldest first."""
        return self._jobs("ledger/batch_find_unsettled", {"stream": stream})

    def note_left_out(self, statement: sql.Composed, values: Mapping[str, object]) -> None:
        """Run a composed `batch_left_out.sql`: Collections sends the rows left out when the job is settled."""
        self.connection.execute(statement, values)

    def has_left_out(self, window_id: UUID | None) -> bool:
        """Return whether the jobs of a window left out any row."""
        found = self.connection.execute(load_statement("ledger/batch_has_left_out"), {"window_id": window_id})
        return bool(fetch_value(found))

    def forget_left_out(self, window_id: UUID | None) -> None:
        """Delete the list of rows that the jobs of a window left out."""
        self.connection.execute(load_statement("ledger/batch_forget_left_out"), {"window_id": window_id})

    def _jobs(self, statement: str, values: Mapping[str, object]) -> list[JobBatch]:
        with self.connection.cursor(row_factory=_job_row) as cursor:
            return cursor.execute(load_statement(statement), values).fetchall()


def _job_row(cursor: psycopg.Cursor[Any]) -> RowMaker[JobBatch]:
    def make(values: Sequence[Any]) -> JobBatch:
        start = Position(values[7], values[8]) if values[7] else None
        window = Window(start, Position(values[9], values[10])) if values[9] else None
        return JobBatch(*[*values[:7], window, *values[11:]])

    return make

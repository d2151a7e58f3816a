"""The tables ExportBatches and ExportBatchRows: the ledger of what is in flight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from psycopg.rows import RowMaker

from include.export.batch import Batch, Row
from include.export.positions import Position, Window
from include.sql import fetch_one, fetch_value, load_statement, pin_index_plans


@dataclass(frozen=True)
class JobBatch:
    """A Bulk job of the ledger: its rows are those of a window, less what no CSV carries.

    `part` of `parts` holds the rows of a window whose parents hash to it; `sent` is known once the upload is done.
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
class ExportBatches:
    """The ledger, at one connection."""

    connection: psycopg.Connection

    def plan(self, statement: sql.Composed, values: Mapping[str, object]) -> Batch | None:
        """Run a composed `batch_plan.sql` inside the caller's transaction; None when there is no row left."""
        pin_index_plans(self.connection)
        found = self.connection.execute(statement, values).fetchone()
        return _read_batch(found) if found else None

    def settle(self, batch: Batch, epoch: int, *, accepted: int, refused: int) -> None:
        """Mark a batch settled with its counts and empty its manifest."""
        values = {"batch": batch.id, "epoch": epoch, "accepted": accepted, "refused": refused}
        self.connection.execute(load_statement("ledger/batch_settle"), values)

    def plan_jobs(self, window: Window, rows: int, parts: int, values: Mapping[str, object]) -> list[JobBatch]:
        """Write the ledger's lines of a window's jobs; `values` are stream, run, epoch and action."""
        wanted = {"rows": rows, "parts": parts, "window_id": uuid4(), **window.as_values(), **values}
        return self._jobs("ledger/batch_plan_jobs", wanted)

    def note_job(self, batch: JobBatch, job_id: str) -> None:
        """Keep the id of a batch's job: the commit before the first byte of its rows."""
        self.connection.execute(load_statement("ledger/batch_job"), {"batch": batch.id, "job_id": job_id})

    def note_upload(self, batch: JobBatch, sent: int) -> None:
        """Keep how many rows a job holds: the commit before the job is closed."""
        self.connection.execute(load_statement("ledger/batch_uploaded"), {"batch": batch.id, "sent": sent})

    def read_job(self, batch: int) -> JobBatch:
        """Return the batch of a job as the ledger has it."""
        return self._jobs("ledger/batch_read", {"batch": batch})[0]

    def settle_job(self, batch: JobBatch, *, accepted: int, refused: int, unprocessed: int) -> None:
        """Mark the batch of a job settled with its counts."""
        values = {"batch": batch.id, "accepted": accepted, "refused": refused, "unprocessed": unprocessed}
        self.connection.execute(load_statement("ledger/batch_settle_job"), values)

    def count_unsettled(self, window_id: UUID | None) -> int:
        """Count the jobs of a window that are not settled, abandoned ones too."""
        return int(
            fetch_value(self.connection.execute(load_statement("ledger/batch_unsettled"), {"window_id": window_id}))
        )

    def note_left_out(self, statement: sql.Composed, values: Mapping[str, object]) -> None:
        """Run a composed `batch_left_out.sql`: what a job leaves out goes another way when the job is settled."""
        self.connection.execute(statement, values)

    def forget_left_out(self, window_id: UUID | None) -> None:
        """Forget which rows the jobs of a window left out."""
        self.connection.execute(load_statement("ledger/batch_forget_left_out"), {"window_id": window_id})

    def find_strays(self, stream: str) -> list[int]:
        """Return the batches that were abandoned and have a manifest nevertheless: their upload slept meanwhile."""
        return [row[0] for row in self.connection.execute(load_statement("ledger/batch_strays"), {"stream": stream})]

    def forget_strays(self, batches: Sequence[int]) -> None:
        """Empty the manifests of abandoned batches."""
        self.connection.execute(load_statement("ledger/batch_forget_strays"), {"batches": list(batches)})

    def find_unsettled(self, stream: str) -> list[JobBatch]:
        """Return the batches that earlier runs left unsettled, oldest first."""
        return self._jobs("ledger/batch_find_unsettled", {"stream": stream})

    def last_position(self, batch: Batch) -> Position:
        """Return the position of a planned batch's last row."""
        values = {"batch": batch.id, "ordinal": len(batch.rows)}
        return Position(*fetch_one(self.connection.execute(load_statement("ledger/batch_position"), values)))

    def read_last_settled(self, stream: str) -> str | None:
        """Return when the last batch of a stream was settled, less an hour; None when none was."""
        statement = load_statement("ledger/batch_last_settled")
        moment: str | None = fetch_value(self.connection.execute(statement, {"stream": stream}))
        return moment

    def abandon(self, batches: Sequence[int]) -> tuple[int, int]:
        """Abandon batches whose outcome is not known; returns how many there were, and their rows.

        Their rows may or may not have reached Salesforce. The watermark never passed them, so they are read and sent
        again, with today's values: a repeated upsert is the same upsert.
        """
        statement = load_statement("ledger/batch_abandon")
        count, rows = fetch_one(self.connection.execute(statement, {"batches": list(batches)}))
        return count, rows

    def _jobs(self, statement: str, values: Mapping[str, object]) -> list[JobBatch]:
        with self.connection.cursor(row_factory=_job_row) as cursor:
            return cursor.execute(load_statement(statement), values).fetchall()


def _job_row(cursor: psycopg.Cursor[Any]) -> RowMaker[JobBatch]:
    def make(values: Sequence[Any]) -> JobBatch:
        start = Position(values[7], values[8]) if values[7] else None
        window = Window(start, Position(values[9], values[10])) if values[9] else None
        return JobBatch(*[*values[:7], window, *values[11:]])

    return make


def _read_batch(found: Sequence[Any]) -> Batch:
    batch_id, action, keys, external_ids, records, verdicts, payloads = found
    columns = zip(keys, external_ids, records, verdicts, payloads, strict=True)
    return Batch(batch_id, action, tuple(Row(n, *values) for n, values in enumerate(columns, start=1)))

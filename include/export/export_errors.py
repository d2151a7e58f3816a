"""The tables ExportErrors and ExportErrorAttempts: every record that Salesforce refused by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from include.export.batches import Batch
from include.export.refusals import Refusal
from include.export.runs import RunIdentity
from include.export.statements import load_statement


@dataclass(frozen=True)
class ExportError:
    """One row of ExportErrors, as a run needs it."""

    id: int
    stream: str
    record_key: str
    record_changed_at: str | None
    error_code: str
    error_name: str
    error_class: str
    error_message: str
    error_fields: list[str]
    status: str
    attempts: int
    first_seen: str


@dataclass(frozen=True)
class DueError:
    """An export error that the daily job should look at: its row is gone, above the watermark, or to be sent."""

    id: int
    record_key: str
    gone: bool
    above: bool


@dataclass(frozen=True)
class Recorder:
    """Who records: the stream, its object and the run."""

    stream: str
    object: str
    run: int
    identity: RunIdentity
    reexport: bool = False


@dataclass(frozen=True)
class ExportErrors:
    """The tables, at one connection."""

    connection: psycopg.Connection

    def record(self, recorder: Recorder, batch: Batch, refusals: Sequence[Refusal]) -> dict[int, int]:
        """Record the refusals of a batch; returns the id of the export error by ordinal."""
        payloads = [{"ordinal": row.ordinal, "payload": row.payload} for row in batch.rows if row.payload]
        values = {
            "stream": recorder.stream,
            "object": recorder.object,
            "operation": batch.action,
            "batch": batch.id,
            "refusals": Jsonb([refusal.as_row() for refusal in refusals]),
            "payloads": Jsonb(payloads),
            "reexport": recorder.reexport,
            "run": recorder.run,
            "dag_id": recorder.identity.dag_id,
            "run_id": recorder.identity.run_id,
        }
        return {row[0]: row[1] for row in self.connection.execute(load_statement("errors_record"), values)}

    def resolve(self, stream: str, batch: Batch, accepted: Sequence[int], run: int, by: str) -> int:
        """Resolve the errors of accepted records (ordinals of the batch); returns how many there were."""
        values = {"stream": stream, "batch": batch.id, "ordinals": list(accepted), "run": run, "by": by}
        return self.connection.execute(load_statement("errors_resolve"), values).rowcount

    def resolve_gone(self, errors: Sequence[int], run: int) -> None:
        """Resolve errors whose source row is gone."""
        self.connection.execute(load_statement("errors_gone"), {"errors": list(errors), "run": run})

    def release(self, stream: str) -> int:
        """Reopen children whose parent was accepted and records whose time of being ignored is over."""
        return self.connection.execute(load_statement("errors_release"), {"stream": stream}).rowcount

    def find_due(self, statement: sql.Composed, values: dict[str, object]) -> list[DueError]:
        """Run a composed `errors_due.sql`."""
        with self.connection.cursor(row_factory=class_row(DueError)) as cursor:
            return cursor.execute(statement, values).fetchall()

    def read(self, error: int) -> ExportError:
        """Return one export error."""
        with self.connection.cursor(row_factory=class_row(ExportError)) as cursor:
            found = cursor.execute(load_statement("errors_read"), {"error": error}).fetchone()
        assert found is not None  # ruff: ignore[assert] - rows of ExportErrors are not deleted while a stream is stopped at them
        return found

    def count(self, stream: str) -> tuple[int, int]:
        """Return how many errors of a stream are open (or set aside) and how many wait for a parent."""
        row = self.connection.execute(load_statement("errors_count"), {"stream": stream}).fetchone()
        return (row[0], row[1]) if row else (0, 0)

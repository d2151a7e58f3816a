"""The tables ExportErrors and ExportErrorAttempts: every rejected record, and every attempt to send it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from include.export.batch import Batch
from include.export.ledger.runs import RunIdentity
from include.export.salesforce import Rejection
from include.sql import fetch_one, fetch_value, load_statement


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
    """A due export error; `gone`: its source row was not found, `above`: the row is above the watermark."""

    id: int
    record_key: str
    gone: bool
    above: bool


@dataclass(frozen=True)
class Recorder:
    """What recorded errors refer to: the stream, its object and the run."""

    stream: str
    object: str
    run: int
    identity: RunIdentity
    reexport: bool = False

    def as_values(self) -> dict[str, Any]:
        """Return the recorder as the values of a statement."""
        return {
            "stream": self.stream,
            "object": self.object,
            "run": self.run,
            "reexport": self.reexport,
            "dag_id": self.identity.dag_id,
            "run_id": self.identity.run_id,
        }


@dataclass(frozen=True)
class ExportErrors:
    """The tables, at one connection."""

    connection: psycopg.Connection

    def record(self, recorder: Recorder, batch: Batch, rejections: Sequence[Rejection]) -> dict[int, int]:
        """Record the rejections of a batch; returns the ids of the export errors by ordinal."""
        statement = _compose_record("ledger/errors_rejected_rows", "ledger/errors_recorded_ids")
        payloads = [{"ordinal": row.ordinal, "payload": row.payload} for row in batch.rows if row.payload]
        values = {
            "operation": batch.action,
            "batch": batch.id,
            "rejections": Jsonb([rejection.as_row() for rejection in rejections]),
            "payloads": Jsonb(payloads),
            "job_id": None,
            **recorder.as_values(),
        }
        return {row[0]: row[1] for row in self.connection.execute(statement, values)}

    def record_job(
        self, recorder: Recorder, action: str, job_id: str, rejected: sql.Composed, limit: int | None
    ) -> int:
        """Record the first `limit` rejected records of a job, found by a composed `results_rejected.sql`.

        Their results are in the session's tables. Returns how many were written.
        """
        statement = load_statement("ledger/errors_record").format(
            rejected=rejected, answer=load_statement("ledger/errors_recorded_count")
        )
        values = {**recorder.as_values(), "operation": action, "job_id": job_id, "limit": limit}
        _, written = fetch_one(self.connection.execute(statement, values))
        return int(written)

    def resolve_window(self, statement: sql.Composed, values: Mapping[str, object]) -> None:
        """Run a composed `errors_resolve_window.sql`."""
        self.connection.execute(statement, values)

    def resolve(self, stream: str, batch: Batch, accepted: Sequence[int], run: int, by: str) -> int:
        """Resolve the errors of accepted records (ordinals of the batch); returns how many there were."""
        values = {"stream": stream, "batch": batch.id, "ordinals": list(accepted), "run": run, "by": by}
        return self.connection.execute(load_statement("ledger/errors_resolve"), values).rowcount

    def resolve_gone(self, errors: Sequence[int], run: int) -> None:
        """Resolve errors whose source row is gone."""
        self.connection.execute(load_statement("ledger/errors_gone"), {"errors": list(errors), "run": run})

    def has_decisions(self, stream: str) -> bool:
        """Return whether an operator has set aside or ignored any record of a stream."""
        return bool(fetch_value(self.connection.execute(load_statement("ledger/errors_decided"), {"stream": stream})))

    def release(self, stream: str) -> int:
        """Reopen children whose parent was accepted and records that are no longer ignored."""
        return self.connection.execute(load_statement("ledger/errors_release"), {"stream": stream}).rowcount

    def find_due(self, statement: sql.Composed, values: dict[str, object]) -> list[DueError]:
        """Run a composed `errors_due.sql`."""
        with self.connection.cursor(row_factory=class_row(DueError)) as cursor:
            return cursor.execute(statement, values).fetchall()

    def read(self, error: int) -> ExportError:
        """Return one export error."""
        with self.connection.cursor(row_factory=class_row(ExportError)) as cursor:
            return fetch_one(cursor.execute(load_statement("ledger/errors_read"), {"error": error}))

    def find_codes(self, stream: str, keys: Sequence[str]) -> dict[str, str]:
        """Return the codes of the unresolved errors of a stream's records, by key."""
        values = {"stream": stream, "keys": list(keys)}
        return {row[0]: row[1] for row in self.connection.execute(load_statement("ledger/errors_known"), values)}

    def count(self, stream: str) -> tuple[int, int]:
        """Return how many errors of a stream are open (or set aside) and how many wait for a parent."""
        found, waiting = fetch_one(self.connection.execute(load_statement("ledger/errors_count"), {"stream": stream}))
        return found, waiting


def _compose_record(rejected: str, answer: str) -> sql.Composed:
    return load_statement("ledger/errors_record").format(
        rejected=load_statement(rejected), answer=load_statement(answer)
    )

"""The table ExportTrials: the exact request and answer of a trial, kept for an hour and for its requester only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import class_row

from include.sql import load_statement

REQUEST_LIMIT, ANSWER_LIMIT = 200_000, 50_000  # characters kept


@dataclass(frozen=True)
class Trial:
    """The outcome of a trial: the request, the answer, and what it means."""

    request: str
    answer: str
    accepted: bool
    message: str


@dataclass(frozen=True)
class AskedTrial:
    """A trial that a person requested; its outcome is None until it has ended."""

    id: int
    error_id: int
    asked_at: datetime
    ended_at: datetime | None
    request: str | None
    answer: str | None
    accepted: bool | None
    message: str | None


@dataclass(frozen=True)
class ExportTrials:
    """The table, at one connection."""

    connection: psycopg.Connection

    def ask(self, audit: int, asked_by: str, error: int) -> None:
        """Request the trial of a record; its id is that of the audit line."""
        values = {"audit": audit, "asked_by": asked_by, "error": error}
        self.connection.execute(load_statement("ledger/trial_ask"), values)

    def find_pending(self, error: int) -> int | None:
        """Return a trial of the same record that was requested in the last minute and has not ended."""
        row = self.connection.execute(load_statement("ledger/trial_pending"), {"error": error}).fetchone()
        return row[0] if row else None

    def find_record(self, trial: int) -> tuple[str, str] | None:
        """Return the stream and key of a trial's record; None when the trial has ended or expired."""
        row = self.connection.execute(load_statement("ledger/trial_record"), {"trial": trial}).fetchone()
        return (row[0], row[1]) if row else None

    def end(self, trial: int, outcome: Trial) -> bool:
        """Store the outcome of a trial; returns False when the trial has ended or expired."""
        values = {
            "trial": trial,
            "accepted": outcome.accepted,
            "request": _storable(outcome.request, REQUEST_LIMIT),
            "answer": _storable(outcome.answer, ANSWER_LIMIT),
            "message": _storable(outcome.message, ANSWER_LIMIT),
        }
        return self.connection.execute(load_statement("ledger/trial_end"), values).rowcount == 1

    def fail(self, trial: int, message: str) -> bool:
        """Store why a trial could not be made; returns as `end` does."""
        values = {"trial": trial, "accepted": None, "request": None, "answer": None, "message": message[:2000]}
        return self.connection.execute(load_statement("ledger/trial_end"), values).rowcount == 1

    def read(self, trial: int, asked_by: str) -> AskedTrial | None:
        """Return a trial of the last hour if this person requested it, else None."""
        with self.connection.cursor(row_factory=class_row(AskedTrial)) as cursor:
            return cursor.execute(
                load_statement("ledger/trial_read"), {"trial": trial, "asked_by": asked_by}
            ).fetchone()

    def expire(self) -> int:
        """Delete trials older than an hour; returns how many there were."""
        return self.connection.execute(load_statement("ledger/trials_expire")).rowcount


def _storable(text: str, limit: int) -> str:
    clean = text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"

"""The table ExportRuns: one line per stream and task run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum

import psycopg
from psycopg.rows import class_row

from include.export.source import BlockingTransaction
from include.sql import fetch_one, fetch_value, load_statement


class Outcome(StrEnum):
    """How a run ended, as in ExportRuns.outcome; ALREADY_RUNNING leaves no line."""

    COMPLETE = "complete"
    HELD = "held"
    WAITING_FOR_CREDITS = "waiting_for_credits"
    WAITING_FOR_JOB = "waiting_for_job"
    FAILED = "failed"
    ALREADY_RUNNING = "already_running"


@dataclass(frozen=True)
class RunIdentity:
    """The task instance that a run belongs to."""

    dag_id: str
    run_id: str
    try_number: int
    task_id: str

    def __str__(self) -> str:
        return f"{self.dag_id}/{self.run_id}/{self.task_id}/{self.try_number}"


@dataclass(frozen=True)
class RunTotals:
    """The sums of a run."""

    rows_changed: int
    rows_sent: int
    accepted: int
    rejected: int
    api_calls: int


@dataclass(frozen=True)
class RunEntry:
    """The line of a running run."""

    connection: psycopg.Connection
    id: int

    @classmethod
    def start(
        cls, connection: psycopg.Connection, stream: str, kind: str, identity: RunIdentity, *, paused: bool
    ) -> RunEntry:
        """Open the line of a run; `paused` is the setting pause_on_export_errors that the run uses."""
        values = {
            "stream": stream,
            "kind": kind,
            "dag_id": identity.dag_id,
            "run_id": identity.run_id,
            "task_id": identity.task_id,
            "try_number": identity.try_number,
            "paused": paused,
        }
        return cls(connection, fetch_value(connection.execute(load_statement("ledger/run_start"), values)))

    def count(self, **amounts: int) -> None:
        """Add what a batch did: rows_changed, rows_sent, accepted, rejected, api_calls, bytes_sent."""
        self.connection.execute(load_statement("ledger/run_count"), {"run": self.id, **amounts})

    def note_oldest_change(self, moment: str) -> None:
        """Record the time of the oldest change that is not exported yet."""
        self.connection.execute(load_statement("ledger/run_oldest_change"), {"run": self.id, "moment": moment})

    def note_blocking(self, blocking: BlockingTransaction) -> None:
        """Record the open transaction that keeps the run from reading changed rows."""
        self.connection.execute(load_statement("ledger/run_blocked"), {"run": self.id, **asdict(blocking)})

    def end(
        self,
        outcome: Outcome,
        message: str,
        *,
        api_calls: int = 0,
        bytes_sent: int = 0,
        waiting: int | None = None,
        failure: str | None = None,
    ) -> RunTotals:
        """Close the line and return the sums of the run; `failure` is the class of the exception that ended it."""
        values = {
            "run": self.id,
            "outcome": str(outcome),
            "message": message[:2000].replace("\x00", " "),
            "api_calls": api_calls,
            "bytes_sent": bytes_sent,
            "rows_waiting": waiting,
            "failure": failure,
        }
        with self.connection.cursor(row_factory=class_row(RunTotals)) as cursor:
            return fetch_one(cursor.execute(load_statement("ledger/run_end"), values))


def count_calls_of_the_day(connection: psycopg.Connection, stream: str | None = None) -> int:
    """Return the API calls of the last 24 hours recorded in ExportRuns; given a stream, those to its org."""
    return int(fetch_value(connection.execute(load_statement("ledger/run_calls_of_the_day"), {"stream": stream})))

"""Deletes old history: runs, batches, attempts, resolved errors, closed findings, cleared alerts."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from include.sql import load_statement

SLICE_ROWS = 5_000  # deleted by one statement, so that none holds locks for long
# batches before the runs they belong to; never open errors, never the audit
TABLES = ("errors", "attempts", "batches", "runs", "findings", "alerts")


@dataclass(frozen=True)
class Retention:
    """Deletes what ended more than `keep_days` ago, at one connection in autocommit mode."""

    connection: psycopg.Connection
    keep_days: int

    def purge(self) -> dict[str, int]:
        """Delete in slices and return the number of rows by table; it may be killed at any point."""
        return {table: self._purge(table) for table in TABLES}

    def _purge(self, table: str) -> int:
        values = {"keep_days": self.keep_days, "slice": SLICE_ROWS}
        deleted = 0
        while (rows := self.connection.execute(load_statement(f"ledger/retention_{table}"), values).rowcount) > 0:
            deleted += rows
        return deleted

"""Manifests of Bulk jobs with listed rows: the lines of ExportBatchRows, until the job is settled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from include.export.positions import Position
from include.sql import fetch_one, fetch_value, load_statement


@dataclass(frozen=True)
class Listing:
    """The manifest of one batch, at one connection."""

    connection: psycopg.Connection
    batch: int

    def pin_plans(self) -> None:
        """Make the open transaction join the rows by hash."""
        self.connection.execute(load_statement("ledger/plan_by_hash"))

    def fill(self, statement: sql.Composed, values: Mapping[str, object]) -> int:
        """Run a composed `listing.sql`; returns how many rows it listed."""
        return self.connection.execute(statement, {**values, "batch": self.batch}).rowcount

    def find_doubled(self) -> str | None:
        """Return a key that two of the rows share, None if there is none."""
        row = self._execute("ledger/listing_doubled").fetchone()
        return row[0] if row else None

    def take_out_colliding(self, folded: sql.Composed) -> list[str]:
        """Remove rows whose external ids Salesforce considers equal; returns these ids as it compares them."""
        return [row[0] for row in self._execute("ledger/listing_colliding", folded=folded)]

    def take_out_changed(self, statement: sql.Composed) -> None:
        """Run a composed `listing_changed.sql`."""
        self.connection.execute(statement, {"batch": self.batch})

    def count(self) -> int:
        """Count the rows."""
        return int(fetch_value(self._execute("ledger/listing_count")))

    def place_rejected(self, statement: sql.Composed, stream: str) -> None:
        """Run a composed `results_place_listed.sql` over the session's answers."""
        with self.connection.transaction():
            self.pin_plans()
            self.connection.execute(statement, {"batch": self.batch, "stream": stream})

    def find_unanswered(self, is_answer: sql.Composed) -> Position | None:
        """Return the version of the first row that has no answer in the session's tables."""
        with self.connection.transaction():
            self.pin_plans()
            row = self._execute("ledger/listing_first_unanswered", is_answer=is_answer).fetchone()
        return Position(*row) if row else None

    def take_out_unanswered(self, is_answer: sql.Composed) -> None:
        """Remove the rows without an answer."""
        self._execute("ledger/listing_unanswered", is_answer=is_answer)

    def take_out_rejected(self) -> None:
        """Remove the rows of rejected records."""
        self._execute("ledger/listing_rejected")

    def resolve(self, stream: str, run: int, by: str) -> None:
        """Resolve the errors of the rows."""
        self.connection.execute(
            load_statement("ledger/listing_resolve"), {"batch": self.batch, "stream": stream, "run": run, "by": by}
        )

    def empty(self) -> None:
        """Delete the rows."""
        self._execute("ledger/listing_empty")

    def _execute(self, name: str, **parts: sql.Composable) -> psycopg.Cursor[Any]:
        return self.connection.execute(load_statement(name).format(**parts), {"batch": self.batch})


def find_reach(connection: psycopg.Connection, values: Mapping[str, object]) -> tuple[int, int] | None:
    """Return the last id of the next `limit` due errors, and their number; None if there are none."""
    last, count = fetch_one(connection.execute(load_statement("ledger/listing_reach"), values))
    return (last, count) if count else None

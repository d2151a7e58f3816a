"""The tables ExportBatches and ExportBatchRows: the ledger of what is in flight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from include.export.batch import Batch, Row
from include.export.positions import Position
from include.sql import fetch_one, fetch_value, load_statement, pin_index_plans


@dataclass(frozen=True)
class ExportBatches:
    """The ledger, at one connection."""

    connection: psycopg.Connection

    def plan_batch(self, statement: sql.Composed, values: Mapping[str, object]) -> Batch | None:
        """Run a composed `batch_plan.sql` in the caller's transaction; returns None when no row remains."""
        pin_index_plans(self.connection)
        found = self.connection.execute(statement, values).fetchone()
        return _read_batch(found) if found else None

    def settle(self, batch: Batch, epoch: int, *, accepted: int, rejected: int) -> None:
        """Mark a batch settled with its counts and empty its manifest."""
        values = {"batch": batch.id, "epoch": epoch, "accepted": accepted, "rejected": rejected}
        self.connection.execute(load_statement("ledger/batch_settle"), values)

    def find_strays(self, stream: str) -> list[int]:
        """Return the abandoned batches with a manifest: a stalled upload wrote it after they were abandoned."""
        return [row[0] for row in self.connection.execute(load_statement("ledger/batch_strays"), {"stream": stream})]

    def forget_strays(self, batches: Sequence[int]) -> None:
        """Empty the manifests of abandoned batches."""
        self.connection.execute(load_statement("ledger/batch_forget_strays"), {"batches": list(batches)})

    def last_position(self, batch: Batch) -> Position:
        """Return the position of a planned batch's last row."""
        values = {"batch": batch.id, "ordinal": len(batch.rows)}
        return Position(*fetch_one(self.connection.execute(load_statement("ledger/batch_position"), values)))

    def read_last_settled(self, stream: str) -> str | None:
        """Return when the last batch of a stream was settled, minus an hour, in UTC; None when none was."""
        statement = load_statement("ledger/batch_last_settled")
        moment: str | None = fetch_value(self.connection.execute(statement, {"stream": stream}))
        return moment

    def abandon(self, batches: Sequence[int]) -> tuple[int, int]:
        """Abandon batches whose outcome is unknown; returns the number of batches and of their rows.

        Their rows may or may not have reached Salesforce. The watermark never passed them, so they are read and sent
        again with their current values: repeating an upsert is harmless.
        """
        statement = load_statement("ledger/batch_abandon")
        count, rows = fetch_one(self.connection.execute(statement, {"batches": list(batches)}))
        return count, rows


def _read_batch(found: Sequence[Any]) -> Batch:
    batch_id, action, *columns, shared_key = found
    if shared_key is not None:
        return Batch(0, "", (), shared_key)
    rows = zip(*columns, strict=True)
    return Batch(batch_id, action, tuple(Row(n, *values) for n, values in enumerate(rows, start=1)))

"""The tables ExportBatches and ExportBatchRows: the ledger of what is in flight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from include.export.statements import load_statement

SUPERSEDED = "CRM_EXPORT_SUPERSEDED"
SET_ASIDE = "CRM_EXPORT_SET_ASIDE"


@dataclass(frozen=True)
class Row:
    """A row of a batch as it will be sent. `verdict` is a local rule it breaks, or why it is not sent."""

    ordinal: int
    key: str
    external_id: str | None
    record: str | None
    verdict: str | None
    payload: Any = None

    @property
    def is_refused_locally(self) -> bool:
        """Tell whether a local rule rejects the row."""
        return self.verdict is not None and self.verdict not in {SUPERSEDED, SET_ASIDE}


@dataclass(frozen=True)
class Batch:
    """A planned run of consecutive rows with one action: upsert, update or delete."""

    id: int
    action: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class ExportBatches:
    """The ledger, at one connection."""

    connection: psycopg.Connection

    def plan(self, statement: sql.Composed, values: Mapping[str, object]) -> Batch | None:
        """Run a composed `batch_plan.sql` inside the caller's transaction; None when there is no row left."""
        # a window in the middle of a large table otherwise reads all of it (performance.md)
        self.connection.execute("set local enable_seqscan = off")
        self.connection.execute("set local enable_bitmapscan = off")
        found = self.connection.execute(statement, values).fetchone()
        return _read_batch(found) if found else None

    def settle(self, batch: Batch, epoch: int, *, accepted: int, refused: int) -> None:
        """Mark a batch settled with its counts and empty its manifest."""
        values = {"batch": batch.id, "epoch": epoch, "accepted": accepted, "refused": refused}
        self.connection.execute(load_statement("batch_settle"), values)

    def abandon_left_over(self, stream: str) -> tuple[int, int]:
        """Abandon what earlier runs left unsettled; returns how many batches and rows.

        A Collections batch without an answer may or may not have reached Salesforce. The watermark never passed its
        rows, so they are read and sent again, with today's values: a repeated upsert is the same upsert.
        """
        row = self.connection.execute(load_statement("batch_abandon"), {"stream": stream}).fetchone()
        return (row[0], row[1]) if row else (0, 0)


def _read_batch(found: Sequence[Any]) -> Batch:
    batch_id, action, keys, external_ids, records, verdicts, payloads = found
    columns = zip(keys, external_ids, records, verdicts, payloads, strict=True)
    return Batch(batch_id, action, tuple(Row(n, *values) for n, values in enumerate(columns, start=1)))

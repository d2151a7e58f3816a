"""The hold of a stream in ExportWatermarks and ExportErrors, and the published watermark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import class_row, dict_row

from include.sql import fetch_one, load_statement


@dataclass(frozen=True)
class Behind:
    """What the Bulk jobs of a window, which are not atomic, did after the record at which a stream is stopped.

    `arrived` is how many rows may already be in Salesforce, `rejected` how many rejections are not recorded, by code.
    """

    arrived: int
    rejected: Mapping[str, int]

    @property
    def lines(self) -> tuple[str, ...]:
        """Return sentences about it; none when the stop is exact."""
        found = []
        if self.arrived:
            found.append(f"Up to {self.arrived:,} later rows are in Salesforce already: Bulk jobs carried them before "
                         "this rejection was known. They are sent again in order.")  # fmt: skip
        if self.rejected:
            codes = ", ".join(f"{count:,} {code}" for code, count in sorted(self.rejected.items()))
            total = sum(self.rejected.values())
            found.append(f"The same jobs had {total:,} more rejections, which are not listed one by one: {codes}.")
        return tuple(found)


@dataclass(frozen=True)
class StoppedAt:
    """The export error at which a stream is stopped, and how many changed rows wait behind it."""

    id: int
    record_key: str
    status: str
    error_code: str
    error_class: str
    error_message: str
    error_fields: list[str]
    attempts: int
    changed: str | None
    since: str
    rows_waiting: int | None
    parent_stream: str | None
    parent_key: str | None


@dataclass(frozen=True)
class ExportHolds:
    """The holds, at one connection."""

    connection: psycopg.Connection

    def read_stop(self, stream: str) -> StoppedAt | None:
        """Return where a stream is stopped, None when it is not; both rows are locked until the transaction ends."""
        with self.connection.cursor(row_factory=class_row(StoppedAt)) as cursor:
            return cursor.execute(load_statement("ledger/gate_read"), {"stream": stream}).fetchone()

    def hold(self, stream: str, error: int) -> None:
        """Record the hold of a stream at an export error."""
        self.connection.execute(load_statement("ledger/gate_hold"), {"stream": stream, "error": error})

    def read_behind(self, stream: str) -> Behind:
        """Return what a Bulk job did after the record at which a stream is stopped."""
        with self.connection.cursor(row_factory=class_row(Behind)) as cursor:
            return fetch_one(cursor.execute(load_statement("ledger/behind_read"), {"stream": stream}))

    def release(self, stream: str) -> None:
        """End the hold of a stream; the watermark is kept."""
        self.connection.execute(load_statement("ledger/gate_release"), {"stream": stream})

    def read_published(self, stream: str) -> dict[str, Any]:
        """Return the watermark and the counts of the last export of a stream; empty for an unknown one."""
        with self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(load_statement("ledger/watermark_read"), {"stream": stream}).fetchone() or {}

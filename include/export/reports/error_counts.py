"""Counts of unresolved export errors, the same for every view."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import psycopg
from psycopg.rows import dict_row

from include.sql import load_statement


@dataclass(frozen=True)
class ErrorCounts:
    """Unresolved export errors by state."""

    open: int = 0
    waiting: int = 0
    set_aside: int = 0
    ignored: int = 0

    @property
    def unresolved(self) -> int:
        """Return the sum of all states."""
        return self.open + self.waiting + self.set_aside + self.ignored


def count_errors(connection: psycopg.Connection) -> dict[str, ErrorCounts]:
    """Return the unresolved export errors of each stream that has any, including streams without a file."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(load_statement("reports/error_counts")).fetchall()
    return {row.pop("stream"): ErrorCounts(**row) for row in rows}


def count_findings(connection: psycopg.Connection) -> dict[str, int]:
    """Return how many open findings of the daily check each stream has."""
    return {row[0]: row[1] for row in connection.execute(load_statement("reports/findings_count"))}


def sum_errors(counts: Iterable[ErrorCounts]) -> ErrorCounts:
    """Return the sum of counts."""
    found = list(counts)
    return ErrorCounts(
        open=sum(one.open for one in found),
        waiting=sum(one.waiting for one in found),
        set_aside=sum(one.set_aside for one in found),
        ignored=sum(one.ignored for one in found),
    )

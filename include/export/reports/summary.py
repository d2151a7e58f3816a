"""One line per stream for people: what the last run did, and the stream's state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import psycopg
from psycopg.rows import class_row

from include.export.ledger import explain_database_errors
from include.export.reports.error_counts import ErrorCounts, count_errors, count_findings
from include.sql import load_statement


@dataclass(frozen=True)
class StreamSummary:
    """The state of a stream; the `held_…` fields are None unless it is stopped at a rejected record."""

    stream: str
    watermark: str | None
    record_key: str | None
    held_since: str | None
    held_key: str | None
    held_code: str | None
    held_message: str | None
    outcome: str | None
    message: str | None
    rows_changed: int
    rows_sent: int
    accepted: int
    rejected: int
    rows_waiting: int | None
    errors: ErrorCounts = field(default_factory=ErrorCounts)
    findings: int = 0

    @property
    def open_errors(self) -> int:
        """Return the unresolved errors that do not wait for a parent; with `waiting` they are the page's count."""
        return self.errors.unresolved - self.errors.waiting

    @property
    def waiting(self) -> int:
        """Return the errors that wait for their parents."""
        return self.errors.waiting


def summarise_streams(streams: Sequence[str], *, connection: psycopg.Connection) -> list[StreamSummary]:
    """Return the summaries of the named streams that have run at least once, in the given order."""
    with explain_database_errors("all"), connection.cursor(row_factory=class_row(StreamSummary)) as cursor:
        rows = cursor.execute(load_statement("reports/stream_summary"), {"streams": list(streams)}).fetchall()
        errors, findings = count_errors(connection), count_findings(connection)
    found = {
        row.stream: replace(row, errors=errors.get(row.stream, ErrorCounts()), findings=findings.get(row.stream, 0))
        for row in rows
    }
    return [found[name] for name in streams if name in found]

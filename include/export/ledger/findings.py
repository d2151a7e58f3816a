"""The table ExportFindings: what the daily check found, with keys and ids, never a record's values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import psycopg
from psycopg.rows import class_row

from include.sql import fetch_value, load_statement

LATE_ROW, NO_SOURCE_ROW, FAILOVER = "late_row", "no_source_row", "stepped_back"
LINES_OF_A_KIND = 10_000  # findings of one kind that a run writes; the counts are always complete


@dataclass(frozen=True)
class ExportFindings:
    """The findings of one run of a stream, at one connection."""

    connection: psycopg.Connection
    stream: str
    run: int

    def note(self, kind: str, found: Iterable[tuple[str, str]]) -> None:
        """Record findings of a kind: each is a subject and a sentence about it."""
        listed = list(islice(found, LINES_OF_A_KIND))
        values = {"subjects": [subject for subject, _ in listed], "tolds": [told for _, told in listed]}
        self._execute("ledger/findings_note", kind, **values)

    def close_others(self, kind: str) -> None:
        """Close the findings of a kind that this run, having checked everything, did not record."""
        self._execute("ledger/findings_close", kind)

    def have(self, kind: str, subject: str) -> bool:
        """Return whether any run has recorded this finding."""
        return bool(fetch_value(self._execute("ledger/findings_have", kind, subject=subject)))

    def _execute(self, statement: str, kind: str, **values: object) -> psycopg.Cursor[Any]:
        known = {"stream": self.stream, "run": self.run, "kind": kind}
        return self.connection.execute(load_statement(statement), {**known, **values})


@dataclass(frozen=True)
class OpenFinding:
    """A finding of the daily check that no later check has closed."""

    id: int
    stream: str
    kind: str
    subject: str
    told: str
    first_seen_at: datetime
    last_seen_at: datetime


def read_open_findings(connection: psycopg.Connection, limit: int) -> list[OpenFinding]:
    """Return the open findings of the daily check, newest first."""
    with connection.cursor(row_factory=class_row(OpenFinding)) as cursor:
        return cursor.execute(load_statement("ledger/findings_list"), {"limit": limit}).fetchall()

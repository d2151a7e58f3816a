"""What a resend will do: rows, requests or jobs, API calls, and how long at the rate of recent runs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import psycopg
from psycopg import sql

from include.export.ledger import explain_database_errors
from include.export.options import CALLS_OF_A_JOB, JOB_ROWS
from include.export.source import Source
from include.export.streams import Stream
from include.sql import load_statement

REQUEST_ROWS = 200


@dataclass(frozen=True)
class ResendPreview:
    """The size of a resend; `seconds` is None where no recent run gives a rate."""

    stream: str
    rows: int
    requests: int
    jobs: int
    api_calls: int
    seconds: float | None

    @property
    def duration(self) -> str:
        """Return how long it takes, for a sentence; nothing where it is not known."""
        if self.seconds is None:
            return ""
        minutes = self.seconds / 60
        return f", about {minutes:,.0f} minutes" if minutes >= 1.5 else f", about {self.seconds:,.0f} seconds"


def preview_resend(
    stream: Stream,
    connection: psycopg.Connection,
    *,
    from_at: str | None = None,
    to_at: str | None = None,
    key: str | None = None,
) -> ResendPreview:
    """Return what sending a range of change times, or one record, again will take.

    Raises RunFailure when the source cannot be read.
    """
    values = {"stream": stream.name, "from_at": from_at, "to_at": to_at, "key": key}
    with explain_database_errors(stream.name):
        statement = load_statement("reports/resend_rows").format(
            source=sql.Identifier(stream.source_schema, stream.source_table),
            cursor=sql.Identifier(stream.cursor),
            key_text=Source(stream, connection).key.text,
        )
        row = connection.execute(statement, values).fetchone()
        rate = connection.execute(load_statement("reports/resend_rate"), {"stream": stream.name}).fetchone()
    rows = int(row[0]) if row else 0
    return _estimate(stream, rows, float(rate[0]) if rate and rate[0] else None)


def _estimate(stream: Stream, rows: int, rate: float | None) -> ResendPreview:
    by_jobs = stream.bulk_from is not None and rows >= stream.bulk_from
    jobs = math.ceil(rows / JOB_ROWS) if by_jobs else 0
    requests = 0 if by_jobs else math.ceil(rows / REQUEST_ROWS)
    calls = jobs * CALLS_OF_A_JOB or requests
    return ResendPreview(stream.name, rows, requests, jobs, calls, rows / rate if rate else None)

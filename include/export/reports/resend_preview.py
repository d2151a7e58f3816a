"""What a resend will do: rows, requests or jobs, API calls, and how long at the rate of recent runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import psycopg
from psycopg import errors, sql

from include.export.ledger import explain_database_errors
from include.export.options import CALLS_OF_A_JOB, JOB_ROWS
from include.export.salesforce import find_bulk_obstacle
from include.export.source import Source
from include.export.streams import Stream
from include.sql import fetch_value, load_statement

REQUEST_ROWS = 200


@dataclass(frozen=True)
class ResendPreview:
    """The size of a resend; `seconds` is None where no recent run gives a rate.

    `exact` is False where counting took too long and Postgres estimated the rows. `missing` are the keys that no
    exported row has.
    """

    stream: str
    rows: int
    requests: int
    jobs: int
    api_calls: int
    seconds: float | None
    exact: bool = True
    missing: list[str] = field(default_factory=list)

    @property
    def duration(self) -> str:
        """Return how long it takes as text for a sentence; empty if not known."""
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
    keys: Sequence[str] | None = None,
) -> ResendPreview:
    """Return what it takes to send a range of change times, or some records, again.

    Raises RunFailure when the source cannot be read.
    """
    with explain_database_errors(stream.name, stream, connection):
        rate = fetch_value(connection.execute(load_statement("reports/resend_rate"), {"stream": stream.name}))
        if keys is not None:
            return _preview_records(stream, keys, _find_exported(stream, keys, connection), rate)
        rows, exact = _count_rows(stream, from_at, to_at, connection)
    return _preview_range(stream, rows, rate, exact=exact)


def _count_rows(
    stream: Stream, from_at: str | None, to_at: str | None, connection: psycopg.Connection
) -> tuple[int, bool]:
    """Return the number of rows of a range, and whether it is exact: after a timeout it is Postgres's estimate."""
    values = {"stream": stream.name, "from_at": from_at, "to_at": to_at}
    statement = _compose("reports/resend_rows", stream, connection)
    try:
        with connection.transaction():
            return int(fetch_value(connection.execute(statement, values))), True
    except errors.QueryCanceled:
        plan = fetch_value(connection.execute(sql.SQL("explain (format json) ") + statement, values))
        return int(plan[0]["Plan"]["Plans"][0]["Plan Rows"]), False


def _find_exported(stream: Stream, keys: Sequence[str], connection: psycopg.Connection) -> set[str]:
    statement = _compose("reports/resend_key", stream, connection)
    return {key for key in keys if _is_exported(statement, {"stream": stream.name, "key": key}, connection)}


def _is_exported(statement: sql.Composed, values: dict[str, str], connection: psycopg.Connection) -> bool:
    try:
        with connection.transaction():
            return bool(fetch_value(connection.execute(statement, values)))
    except psycopg.DataError:  # not a value of the key's type
        return False


def _compose(name: str, stream: Stream, connection: psycopg.Connection) -> sql.Composed:
    return load_statement(name).format(
        source=sql.Identifier(stream.source_schema, stream.source_table),
        cursor=sql.Identifier(stream.cursor),
        has_key=Source(stream, connection).key.equals(sql.Placeholder("key")),
    )


def _preview_records(
    stream: Stream, keys: Sequence[str], found: set[str], rate: float | None
) -> ResendPreview:  # fmt: skip
    """Return what records take; each is sent in its own request."""
    rows = len(found)
    missing = [key for key in dict.fromkeys(keys) if key not in found]
    return ResendPreview(stream.name, rows, rows, 0, rows, _estimate_seconds(rows, rate), missing=missing)


def _preview_range(stream: Stream, rows: int, rate: float | None, *, exact: bool) -> ResendPreview:
    by_jobs = stream.bulk_from is not None and rows >= stream.bulk_from and find_bulk_obstacle(stream) is None
    jobs = math.ceil(rows / JOB_ROWS) if by_jobs else 0
    requests = 0 if by_jobs else math.ceil(rows / REQUEST_ROWS)
    calls = jobs * CALLS_OF_A_JOB or requests
    return ResendPreview(stream.name, rows, requests, jobs, calls, _estimate_seconds(rows, rate), exact)


def _estimate_seconds(rows: int, rate: float | None) -> float | None:
    return rows / float(rate) if rate else None

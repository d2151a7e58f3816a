"""The backlog of a stream: the changes after its watermark, counted for people."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from psycopg import errors

from include.export.failures import RunFailure
from include.export.positions import Position
from include.export.source.absence import explain_filter
from include.export.source.source import WAITING_LIMIT, Source
from include.export.streams import Stream
from include.sql import fetch_value, load_statement


@dataclass(frozen=True)
class WaitingChanges:
    """Changed rows that are not exported yet, up to 10,000; `problem` says why they could not be counted."""

    rows: int | None
    capped: bool = False
    oldest_age_seconds: int | None = None
    problem: str | None = None


def count_waiting_changes(stream: Stream, after: Position | None, connection: psycopg.Connection) -> WaitingChanges:
    """Count the changes of a source after a position; gives up after a second, so that a slow source blocks nobody.

    Raises psycopg.OperationalError when the connection is lost.
    """
    try:
        with connection.transaction():
            connection.execute("set local statement_timeout = '1s'")
            return _count(Source(stream, connection), after)
    except errors.QueryCanceled:
        indexed = f"{stream.source} ({stream.cursor}, {stream.key})"
        return WaitingChanges(None, problem=f"Counting took longer than a second; an index on {indexed} helps.")
    except RunFailure as failure:
        return WaitingChanges(None, problem=str(failure))
    except errors.OperationalError:
        raise
    except errors.InsufficientPrivilege as error:
        message = explain_filter(stream, connection) or f"Stream {stream.name}: {error.diag.message_primary}."
        return WaitingChanges(None, problem=message)
    except psycopg.Error as error:
        message = (error.diag.message_primary or type(error).__name__).splitlines()[0]
        return WaitingChanges(None, problem=f"Stream {stream.name}: {message}.")


def read_now(connection: psycopg.Connection) -> str:
    """Return the time of the database."""
    return str(fetch_value(connection.execute(load_statement("source/now"))))


def _count(source: Source, after: Position | None) -> WaitingChanges:
    now = read_now(source.connection)
    rows = source.count_waiting(after, now)
    oldest = source.peek(after, now)
    if oldest is None:
        return WaitingChanges(0, oldest_age_seconds=0)
    age = fetch_value(source.connection.execute(load_statement("source/age"), {"moment": oldest.cursor_at}))
    capped = rows >= WAITING_LIMIT
    return WaitingChanges(min(rows, WAITING_LIMIT - 1), capped, age)

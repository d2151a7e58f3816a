"""What runs did over time, for charts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import class_row, dict_row

from include.export.ledger import count_calls_of_the_day
from include.sql import load_statement

BUCKETS = {1: 900, 7: 7_200, 30: 28_800}  # seconds of a bucket by days shown


@dataclass(frozen=True)
class HistoryPoint:
    """One bucket; the age is that of the oldest change that was not exported when a run began."""

    at: datetime
    exported: int
    rejected: int
    api_calls: int
    oldest_age_seconds: int | None


@dataclass(frozen=True)
class History:
    """What runs did over some days."""

    bucket_seconds: int
    points: list[HistoryPoint]
    api_calls_last_24h: int


@dataclass(frozen=True)
class SettingSeen:
    """The value of pause_on_export_errors that the last export used."""

    value: bool
    at: datetime
    stream: str


def read_history(days: int, stream: str | None, *, connection: psycopg.Connection) -> History:
    """Return what the runs of one or all streams did in the last days (1, 7 or 30)."""
    values = {"days": days, "seconds": BUCKETS[days], "stream": stream}
    with connection.cursor(row_factory=class_row(HistoryPoint)) as cursor:
        points = cursor.execute(load_statement("reports/run_history"), values).fetchall()
    return History(BUCKETS[days], points, count_calls_of_the_day(connection))


def merge_histories(histories: Sequence[History]) -> History:
    """Return what the runs of several databases did over the same days."""
    moments: dict[datetime, list[HistoryPoint]] = {}
    for point in (point for history in histories for point in history.points):
        moments.setdefault(point.at, []).append(point)
    points = [_merge_points(at, moments[at]) for at in sorted(moments)]
    calls = sum(history.api_calls_last_24h for history in histories)
    return History(histories[0].bucket_seconds, points, calls)


def _merge_points(at: datetime, points: Sequence[HistoryPoint]) -> HistoryPoint:
    ages = [point.oldest_age_seconds for point in points if point.oldest_age_seconds is not None]
    return HistoryPoint(
        at,
        exported=sum(point.exported for point in points),
        rejected=sum(point.rejected for point in points),
        api_calls=sum(point.api_calls for point in points),
        oldest_age_seconds=max(ages, default=None),
    )


def read_failures(run_ids: Sequence[str], connection: psycopg.Connection) -> dict[tuple[str, str, str], str]:
    """Return why tasks failed: messages by DAG, run and task."""
    rows = connection.execute(load_statement("reports/failed_runs"), {"run_ids": list(run_ids)})
    return {(row[0], row[1], row[2]): row[3] for row in rows}


def read_setting_seen(connection: psycopg.Connection) -> SettingSeen | None:
    """Return the value of pause_on_export_errors that the last export used, None before the first export."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(load_statement("reports/run_setting_seen")).fetchone()
    return SettingSeen(**row) if row else None

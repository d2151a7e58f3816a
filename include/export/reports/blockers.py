"""Sessions whose open transactions keep streams from reading their newest rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import psycopg
from psycopg import errors
from psycopg.rows import dict_row

from include.export.streams import Loaded, Stream
from include.sql import load_statement

LONG_TRANSACTION_SECONDS = 60


@dataclass(frozen=True)
class Blocker:
    """A session whose open transaction holds back the export of these streams: rows changed since it began wait."""

    pid: int
    application: str
    age_seconds: int
    streams: list[str]


def find_blockers(
    streams: Sequence[Loaded], *, connection: psycopg.Connection, least_seconds: int = LONG_TRANSACTION_SECONDS
) -> list[Blocker]:
    """Return the sessions that hold streams back for at least some seconds, as crm_export.export_horizon() sees them.

    Returns none without the privilege to see them: the runs then fail with that message.
    """
    found: dict[int, Blocker] = {}
    for stream in streams:
        if not isinstance(stream, Stream):
            continue
        blocker = _ask(stream, connection)
        if blocker and blocker.age_seconds >= least_seconds:
            known = found.get(blocker.pid, replace(blocker, streams=[]))
            found[blocker.pid] = replace(known, streams=[*known.streams, stream.name])
    return list(found.values())


def _ask(stream: Stream, connection: psycopg.Connection) -> Blocker | None:
    wanted = {
        "harmless_roles": list(stream.harmless_roles),
        "harmless_applications": list(stream.harmless_applications),
    }
    try:
        with connection.cursor(row_factory=dict_row) as cursor:
            row = cursor.execute(load_statement("source/export_horizon"), wanted).fetchone()
    except (errors.InsufficientPrivilege, errors.UndefinedFunction):
        return None
    if row is None or row["oldest_pid"] is None or not isinstance(row["oldest_age"], timedelta):
        return None
    return Blocker(row["oldest_pid"], row["oldest_application"] or "", int(row["oldest_age"].total_seconds()), [])

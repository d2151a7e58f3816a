"""Export errors by cause: all records rejected for the same reason are one line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import dict_row

from include.export.reports.error_list import UNRESOLVED
from include.export.reports.vocabulary import ErrorKind
from include.export.salesforce import Catalogue
from include.sql import load_statement

LIMIT = 200


@dataclass(frozen=True)
class Cause:
    """A cause and the records it affects; `holds` are the streams stopped at one of them."""

    cause: str
    object: str
    code: str
    name: str
    error_class: ErrorKind
    fields: list[str]
    message: str
    example: str
    advice: str
    count: int
    open: int
    waiting: int
    set_aside: int
    ignored: int
    first_seen_at: datetime
    last_seen_at: datetime
    streams: list[str]
    holds: list[str]
    children_waiting: int


@dataclass(frozen=True)
class Causes:
    """Causes, most records first; `more`: there are more than are listed."""

    causes: list[Cause]
    more: bool


def read_causes(
    *,
    connection: psycopg.Connection,
    catalogue: Catalogue,
    statuses: Sequence[str] = UNRESOLVED,
    stream: str | None = None,
    object_name: str | None = None,
) -> Causes:
    """Return the causes of the errors in these states, with what to do from the catalogue."""
    values = {"statuses": list(statuses), "stream": stream, "object": object_name, "limit": LIMIT + 1}
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(load_statement("reports/errors_causes"), values).fetchall()
    causes = [Cause(**row, advice=catalogue.classify(row["code"], row["example"]).advice) for row in rows[:LIMIT]]
    return Causes(causes, more=len(rows) > LIMIT)

"""Pages of export errors for people: filtered, sorted, and continued after a place instead of by page number."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from include.export.reports.vocabulary import ErrorKind, ErrorStatus, RecordOperation
from include.sql import load_statement

COUNT_LIMIT = 100_000  # errors counted for a total, and lines of a download
DOWNLOAD_PAGE = 2_000  # errors read at once
MESSAGE_LIMIT = 500  # characters of a message in a list
UNRESOLVED = ("open", "waiting", "set_aside", "ignored")


class PlaceError(ValueError):
    """The place to continue from belongs to another sort order, or does not come from an earlier page."""


class Sort(StrEnum):
    """What a list of errors may be sorted by."""

    LAST_SEEN_AT = "last_seen_at"
    FIRST_SEEN_AT = "first_seen_at"
    ATTEMPTS = "attempts"
    ID = "id"


_TYPES = {
    Sort.LAST_SEEN_AT: "timestamptz",
    Sort.FIRST_SEEN_AT: "timestamptz",
    Sort.ATTEMPTS: "integer",
    Sort.ID: "bigint",
}
_VALUES = {
    "timestamptz": r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?\+00",
    "integer": r"[0-9]{1,9}",
    "bigint": r"[0-9]{1,18}",
}


@dataclass(frozen=True)
class ErrorFilter:
    """Which errors; None means any."""

    statuses: tuple[str, ...] = UNRESOLVED
    stream: str | None = None
    object: str | None = None
    code: str | None = None
    error_class: str | None = None
    cause: str | None = None
    holding: bool = False
    search: str | None = None

    def as_values(self) -> dict[str, Any]:
        """Return the filter as the values of a statement; the search looks for its text anywhere."""
        escaped = re.sub(r"([\\%_])", r"\\\1", self.search) if self.search else None
        return asdict(self) | {"statuses": list(self.statuses), "search": f"%{escaped}%" if escaped else None}


@dataclass(frozen=True)
class ErrorOrder:
    """A sort order."""

    sort: Sort = Sort.LAST_SEEN_AT
    descending: bool = True

    def read_place(self, token: str | None) -> tuple[str | None, int | None]:
        """Return the sort value and id that a token names; raises PlaceError for a token of another order."""
        if token is None:
            return None, None
        try:
            sort, descending, value, last = json.loads(base64.b64decode(token.encode(), altchars=b"-_", validate=True))
        except (ValueError, TypeError, binascii.Error):
            raise PlaceError("after does not come from an earlier page") from None
        fits = sort == self.sort and descending is self.descending and type(last) is int and isinstance(value, str)
        if not fits or not re.fullmatch(_VALUES[_TYPES[self.sort]], value) or not 0 <= last < 2**63:
            raise PlaceError("after does not belong to this sort order")
        if _TYPES[self.sort] == "timestamptz" and not _is_moment(value):
            raise PlaceError("after names a day that does not exist")
        return value, last

    def write_place(self, value: str, last: int) -> str:
        """Return the token of a place: the sort value and id of its last row."""
        content = json.dumps([self.sort, self.descending, value, last])
        return base64.urlsafe_b64encode(content.encode()).decode()

    def compose(self) -> sql.Composed:
        """Return `errors_page.sql` in this order."""
        return load_statement("reports/errors_page").format(
            sort=sql.Identifier(self.sort),
            type=sql.SQL(_TYPES[self.sort]),  # a constant above
            operator=sql.SQL("<" if self.descending else ">"),
            direction=sql.SQL("desc" if self.descending else "asc"),
        )


@dataclass(frozen=True)
class ErrorLine:
    """One export error in a list."""

    id: int
    stream: str
    object: str
    record_key: str
    external_id: str | None
    operation: RecordOperation
    code: str
    name: str
    error_class: ErrorKind
    message: str
    fields: list[str]
    cause: str
    status: ErrorStatus
    holding: bool
    attempts: int
    first_seen_at: datetime
    last_seen_at: datetime
    next_attempt_at: datetime | None


@dataclass(frozen=True)
class ErrorPage:
    """A page of errors; `next` continues it. The total is counted on the first page only, up to a limit."""

    errors: list[ErrorLine]
    next: str | None
    total: int | None
    total_capped: bool


def read_page(
    wanted: ErrorFilter, order: ErrorOrder, *, connection: psycopg.Connection, limit: int, after: str | None = None
) -> ErrorPage:
    """Return a page of errors; raises PlaceError for a place of another order."""
    value, last = order.read_place(after)
    values = wanted.as_values() | {
        "after_value": value, "after_id": last, "limit": limit + 1, "message_limit": MESSAGE_LIMIT,
    }  # fmt: skip
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(order.compose(), values).fetchall()
    places = [(row.pop("sort_value"), row["id"]) for row in rows]
    following = order.write_place(*places[limit - 1]) if len(rows) > limit else None
    whole = after is None and following is None
    total = len(rows) if whole else _count(wanted, connection) if after is None else None
    capped = total is not None and total > COUNT_LIMIT
    return ErrorPage([ErrorLine(**row) for row in rows[:limit]], following, COUNT_LIMIT if capped else total, capped)


def iterate_errors(wanted: ErrorFilter, order: ErrorOrder, *, connection: psycopg.Connection) -> Iterator[ErrorLine]:
    """Return the errors of a filter one by one with their whole messages, at most COUNT_LIMIT.

    They are read in pages, each by its own statement: a slow reader keeps no transaction open, and memory is bounded.
    """
    following: tuple[str | None, int | None] = None, None
    left = COUNT_LIMIT
    while left > 0:
        limit = min(left, DOWNLOAD_PAGE)
        values = {"after_value": following[0], "after_id": following[1], "limit": limit, "message_limit": 10_000}
        with connection.cursor(row_factory=dict_row) as cursor:
            rows = cursor.execute(order.compose(), wanted.as_values() | values).fetchall()
        places = [(row.pop("sort_value"), row["id"]) for row in rows]
        yield from (ErrorLine(**row) for row in rows)
        if len(rows) < limit:
            return
        following, left = places[-1], left - limit


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(f"{text}:00").year > 0
    except ValueError:
        return False


def _count(wanted: ErrorFilter, connection: psycopg.Connection) -> int:
    values = wanted.as_values() | {"limit": COUNT_LIMIT + 1}
    row = connection.execute(load_statement("reports/errors_total"), values).fetchone()
    return int(row[0]) if row else 0

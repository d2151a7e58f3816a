"""Points of a run: each place where a commit or an HTTP call begins or ends. A run can be ended at the n-th of them.

The exporter itself is unchanged: its connection and its HTTP session are subclasses that count.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any, NamedTuple

import psycopg
import requests
from psycopg import sql
from psycopg.pq import TransactionStatus

from include.export.postgres.session import prepare_session

_WRITES = re.compile(r"\b(insert|update|delete|copy)\b", re.IGNORECASE)


class Point(NamedTuple):
    """A point by name and count, the n-th time that it is reached; the number of polls of a job varies."""

    name: str
    time: int = 1


class Points:
    """Counts points; calls `act` at the target, and `report` with the name of each. Requests reach them in threads."""

    def __init__(
        self, target: Point | None, act: Callable[[], None], report: Callable[[str], None] = lambda _: None
    ) -> None:
        self.target, self.act, self.report = target, act, report
        self.reached: Counter[str] = Counter()
        self._one_at_a_time = Lock()

    def reach(self, name: str) -> None:
        """Count a point."""
        with self._one_at_a_time:
            self.reached[name] += 1
            time = self.reached[name]
            self.report(name)
        if self.target == (name, time):
            self.act()


class PointConnection(psycopg.Connection[Any]):
    """A connection whose commits are points, both of transactions and of writes outside of one."""

    points: Points
    last_statement = ""

    @contextmanager
    def transaction(self, *arguments: Any, **more: Any) -> Generator[psycopg.Transaction]:
        """Open a transaction whose commit is two points."""
        outermost = self.info.transaction_status is TransactionStatus.IDLE
        with super().transaction(*arguments, **more) as transaction:
            yield transaction  # noqa: RUF075 - psycopg rolls back
            if outermost:
                self.points.reach(f"before commit of: {self.last_statement}")
        if outermost:
            self.points.reach(f"after commit of: {self.last_statement}")


class PointCursor(psycopg.Cursor[Any]):
    """A cursor of such a connection."""

    def execute(self, query: Any, *arguments: Any, **more: Any) -> PointCursor:
        """Execute a statement; a write outside of a transaction is two points."""
        connection = self.connection
        assert isinstance(connection, PointConnection)
        text = query.as_string(connection) if isinstance(query, sql.Composable) else str(query)
        name = text.strip().splitlines()[0].removeprefix("-- ").rstrip(".")
        idle = connection.info.transaction_status is TransactionStatus.IDLE
        alone = text == "commit" or (idle and _WRITES.search(text))
        if alone:
            connection.points.reach(f"before: {name}")
        super().execute(query, *arguments, **more)
        if alone:
            connection.points.reach(f"after: {name}")
        connection.last_statement = name
        return self


def connect(dsn: str, points: Points, settings: str = "") -> PointConnection:
    """Open a connection as the exporter's operators do; `settings` are statements for this test."""
    connection = PointConnection.connect(dsn)
    prepare_session(connection)
    if settings:
        connection.execute(settings)
    connection.cursor_factory = PointCursor
    connection.points = points
    return connection


class PointSession(requests.Session):
    """A session whose calls are points: before the request, in the middle of a streamed body, and at the answer."""

    def __init__(self, points: Points) -> None:
        super().__init__()
        self.points = points

    def request(self, method: str, url: str, *arguments: Any, **more: Any) -> requests.Response:
        """Make a call."""
        path = re.sub(r"\?.*|https?://[^/]*/services/(data/v[\d.]+/)?", "", url)
        name = f"{method} {re.sub(r'750[A-Za-z0-9]{12,15}', 'JOB', path)}"
        if hasattr(more.get("data"), "__iter__") and not isinstance(more["data"], str | bytes | dict):
            more["data"] = self._watch(iter(more["data"]), name)
        self.points.reach(f"before {name}")
        response = super().request(method, url, *arguments, **more)
        self.points.reach(f"after {name}")
        return response

    def _watch(self, parts: Iterator[Any], name: str) -> Iterator[Any]:
        for number, part in enumerate(parts):
            if number == 1:
                self.points.reach(f"in the middle of {name}")
            yield part

"""The table ExportedVersions: the last exported version of each row, compared with the source."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row, tuple_row

from include.export.positions import Position, Window
from include.export.source import Source, SourceChecks, between, explain_shared_position
from include.sql import fetch_one, load_statement, pin_index_plans

Guard = Callable[[], AbstractContextManager[None]]
ROWS_OF_A_PAGE = 20_000  # compared in one statement, and packed into one line
LINES_OF_A_LOOK = 500  # ten million rows, compared in one snapshot without the lease
MOST_UNPACKED = 500_000  # versions that a look without the lease keeps in memory


@dataclass(frozen=True)
class Section:
    """Packed lines that cover the next positions up to `cursor_at, record_key`; empty after the last line."""

    lines: list[int]
    on_trust: bool
    cursor_at: str | None
    record_key: str | None


@dataclass(frozen=True)
class Line:
    """A packed line that was compared as a whole: its end, its number of rows, and whether all are unchanged."""

    cursor_at: str
    record_key: str
    rows: int
    unchanged: bool

    @property
    def end(self) -> Position:
        """Return the last position that the line covers."""
        return Position(self.cursor_at, self.record_key)


@dataclass(frozen=True)
class Changed:
    """The ranges of a source whose rows may have changed since they were exported, and the number of other rows."""

    ranges: list[Window]
    unchanged: int = 0


@dataclass(frozen=True)
class Compared:
    """A compared page: its number of rows, its end, and the keys of rows whose current version was not exported."""

    rows: int
    end: Position
    late: list[str]


@dataclass(frozen=True)
class ExportedVersions:
    """The versions of one stream, at one connection."""

    connection: psycopg.Connection
    stream: str

    def note(self, batch: int, *, last: int = 0, ordinals: Sequence[int] = ()) -> None:
        """Record as exported the rows of a batch's manifest up to the ordinal `last`, and those in `ordinals`."""
        self._execute("ledger/versions_note", batch=batch, last=last, ordinals=list(ordinals))

    def stage(
        self, source: Source, batch: int, window: Window, part: sql.Composed, may_be_folded: sql.Composable
    ) -> tuple[int, bool]:
        """Record the rows of a window's part, in the snapshot in which the job's rows are read.

        In another snapshot late rows could be missed. Returns the number of rows, including those that the job leaves
        out, and whether the condition `may_be_folded` is true for one of them.
        """
        self.discard([batch])  # an upload may restart
        values = {"stream": self.stream, "batch": batch, **between(window.start, window.end)}
        rows, folded = fetch_one(
            self.connection.execute(SourceChecks(source).stage(window, part, may_be_folded), values)
        )
        return int(rows), bool(folded)

    def confirm(self, source: Source, batches: Sequence[int], window: Window, last: Position | None) -> None:
        """Mark the versions of a window's Bulk jobs as exported, up to its row `last` at the current watermark."""
        if last == window.end:
            self._execute("ledger/versions_confirm_all", batches=list(batches))
        elif last is not None:
            values = {"batches": list(batches), **last.as_values()}
            self.connection.execute(SourceChecks(source).confirm(last), values)
        self.discard(batches)

    def discard(self, batches: Sequence[int]) -> None:
        """Delete the unconfirmed versions of Bulk jobs."""
        self._execute("ledger/versions_discard", batches=list(batches))

    def find_changed(self, source: Source, watermark: Position, unpacked: int) -> Changed:
        """Find the ranges up to the watermark that have rows which differ from their packed lines.

        `unpacked` is the result of `unpack`. This only reads and needs no lease: rows are compared with their line and
        with the lines of batches in one snapshot.
        """
        if unpacked > MOST_UNPACKED:
            return Changed([Window(None, watermark)])
        lines: list[Line] = []
        while True:
            with self.connection.transaction():
                self._execute("source/snapshot")
                self._execute("source/plan_in_memory")
                pin_index_plans(self.connection)
                self.unpack_more()
                found = self._look(source, lines[-1].end if lines else None, watermark)
            lines += found
            if len(found) < LINES_OF_A_LOOK:
                return _join(lines, watermark)

    def compare(self, source: Source, changed: Changed, guard: Guard = nullcontext) -> Iterator[Compared]:
        """Compare ranges of the source with the exported versions, page by page, and yield each page.

        Each page is one transaction inside `guard`, which fails when another process has taken over the stream. Between
        two pages other runs may export rows, if `unpack_more` is called after them. Matching rows are packed page by
        page, so a comparison that ends early loses nothing; the lines of batches that `unpack` found are deleted after
        the last page.
        """
        for window in changed.ranges:
            at = window.start
            while at != window.end:
                with guard():
                    compared = self._compare_page(source, at, self._next_section(source, at, window.end), window.end)
                at = compared.end
                yield compared
        with guard():
            self._execute("ledger/versions_forget")

    def unpack_more(self) -> None:
        """Unpack the lines of batches that other runs have settled since."""
        self._execute("ledger/versions_recent_more")

    def find_late(self, source: Source, watermark: Position, seconds: int, limit: int) -> list[str]:
        """Return the keys of rows changed up to `seconds` before the watermark whose version was not exported."""
        values = {"stream": self.stream, "seconds": seconds, "limit": limit, **watermark.as_values()}
        statement = SourceChecks(source).look_back(watermark)
        return [key for (key,) in self.connection.execute(statement, values)]

    def unpack(self) -> int:
        """Unpack the lines of batches and return how many versions they have.

        To be called under the lease: a check deletes these lines at its end, so they must not include a batch above
        its watermark.
        """
        self.connection.execute("drop table if exists pg_temp.crm_export_recent, pg_temp.crm_export_unpacked")
        self._execute("ledger/versions_unpacked")
        found = self._execute("ledger/versions_recent").rowcount
        self.connection.execute("create unique index on pg_temp.crm_export_recent (key_hash)")
        self.connection.execute("analyze pg_temp.crm_export_recent")
        return found

    def _look(self, source: Source, at: Position | None, watermark: Position) -> list[Line]:
        values = {"stream": self.stream, "limit": LINES_OF_A_LOOK, **between(at, watermark)}
        with self.connection.cursor(row_factory=class_row(Line)) as cursor:
            return cursor.execute(SourceChecks(source).unchanged(at, watermark), values).fetchall()

    def _next_section(self, source: Source, at: Position | None, watermark: Position) -> Section:
        values = {"stream": self.stream, "limit": ROWS_OF_A_PAGE, **between(at, watermark)}
        with self.connection.cursor(row_factory=class_row(Section)) as cursor:
            return fetch_one(cursor.execute(SourceChecks(source).section(at, watermark), values))

    def _compare_page(self, source: Source, at: Position | None, section: Section, last: Position) -> Compared:
        end = Position(section.cursor_at, section.record_key) if section.record_key and section.cursor_at else last
        values = {
            "stream": self.stream,
            "limit": ROWS_OF_A_PAGE,
            "lines": section.lines,
            "on_trust": section.on_trust,
            **between(at, end),
        }
        with self.connection.transaction(), self.connection.cursor(row_factory=tuple_row) as cursor:
            pin_index_plans(self.connection)
            compared = fetch_one(cursor.execute(SourceChecks(source).compare(at, end), values))
            rows, cursor_at, record_key, late, shared_key = compared
            if shared_key is not None:
                raise explain_shared_position(source.stream, shared_key)
        return Compared(rows, Position(cursor_at, record_key), late)

    def _execute(self, statement: str, **values: object) -> psycopg.Cursor[Any]:
        return self.connection.execute(load_statement(statement), {"stream": self.stream, **values})


def _join(lines: Sequence[Line], watermark: Position) -> Changed:
    """Return the ranges between the unchanged lines, and the range after the last line."""
    ranges: list[Window] = []
    start: Position | None = None
    end: Position | None = None
    for line in lines:
        if line.unchanged and end != start and end is not None:
            ranges.append(Window(start, end))
        start, end = (line.end if line.unchanged else start), line.end
    if start != watermark:
        ranges.append(Window(start, watermark))
    return Changed(ranges, sum(line.rows for line in lines if line.unchanged))

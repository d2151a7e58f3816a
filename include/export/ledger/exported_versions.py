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
from include.sql import fetch_one, fetch_value, load_statement, pin_index_plans

Guard = Callable[[], AbstractContextManager[None]]
ROWS_OF_A_PAGE = 20_000  # compared in one statement, and packed into one line


@dataclass(frozen=True)
class Section:
    """Packed lines that cover the next positions up to `cursor_at, record_key`; empty after the last line."""

    lines: list[int]
    on_trust: bool
    cursor_at: str | None
    record_key: str | None


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

    def stage(self, source: Source, batch: int, window: Window, part: sql.Composed) -> int:
        """Record the rows of a window's part, in the snapshot in which the job's rows are read.

        In another snapshot late rows could be missed. Returns the number of rows, including those that the job leaves
        out.
        """
        self.discard(batch)  # an upload may restart
        values = {"stream": self.stream, "batch": batch, **between(window.start, window.end)}
        row = self.connection.execute(SourceChecks(source).stage(window, part), values).fetchone()
        return int(row[0]) if row else 0  # a part may be empty

    def confirm(self, batch: int, window: Window, last: Position | None) -> None:
        """Mark the versions of a Bulk job as exported, up to its row `last` at the current watermark."""
        if last == window.end:
            self._execute("ledger/versions_confirm_all", batch=batch)
        elif last is not None:
            self._execute("ledger/versions_confirm", batch=batch, **last.as_values())
        self.discard(batch)

    def discard(self, batch: int) -> None:
        """Delete the unconfirmed versions of a Bulk job."""
        self._execute("ledger/versions_discard", batch=batch)

    def compare(self, source: Source, watermark: Position, guard: Guard = nullcontext) -> Iterator[Compared]:
        """Compare the source with the exported versions, page by page up to the watermark, and yield each page.

        Each page is one transaction inside `guard`, which fails when another process has taken over the stream.
        Matching rows are packed page by page, so a comparison that ends early loses nothing; the lines of batches are
        deleted after the last page.
        """
        newest = self._unpack()
        at: Position | None = None
        while at != watermark:
            section = self._next_section(source, at, watermark)
            end = Position(section.cursor_at, section.record_key) if section.record_key and section.cursor_at else None
            with guard():
                compared = self._compare_page(source, at, end or watermark, section)
            at = compared.end
            yield compared
        with guard():
            self._execute("ledger/versions_forget", newest=newest)

    def find_late(self, source: Source, watermark: Position, seconds: int, limit: int) -> list[str]:
        """Return the keys of rows changed up to `seconds` before the watermark whose version was not exported."""
        values = {"stream": self.stream, "seconds": seconds, "limit": limit, **watermark.as_values()}
        statement = SourceChecks(source).look_back(watermark)
        return [key for (key,) in self.connection.execute(statement, values)]

    def _unpack(self) -> int:
        newest = int(fetch_value(self._execute("ledger/versions_newest")))
        self.connection.execute("drop table if exists pg_temp.crm_export_recent")
        self._execute("ledger/versions_recent", newest=newest)
        self.connection.execute("create index on pg_temp.crm_export_recent (key_hash)")
        self.connection.execute("analyze pg_temp.crm_export_recent")
        return newest

    def _next_section(self, source: Source, at: Position | None, watermark: Position) -> Section:
        values = {"stream": self.stream, "limit": ROWS_OF_A_PAGE, **between(at, watermark)}
        with self.connection.cursor(row_factory=class_row(Section)) as cursor:
            return fetch_one(cursor.execute(SourceChecks(source).section(at, watermark), values))

    def _compare_page(self, source: Source, at: Position | None, end: Position, section: Section) -> Compared:
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

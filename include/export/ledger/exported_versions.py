"""The table ExportedVersions: which version of each row was exported last, and what the source has otherwise."""

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
    """Packed lines that cover the next positions up to `cursor_at, record_key`; no lines behind the last of them."""

    lines: list[int]
    on_trust: bool
    cursor_at: str | None
    record_key: str | None


@dataclass(frozen=True)
class Compared:
    """A compared page: how many rows it has, where it ends, and the keys of those not exported as they are."""

    rows: int
    end: Position
    late: list[str]


@dataclass(frozen=True)
class ExportedVersions:
    """The versions of one stream, at one connection."""

    connection: psycopg.Connection
    stream: str

    def note(self, batch: int, *, last: int = 0, ordinals: Sequence[int] = ()) -> None:
        """Note the rows of a batch's manifest up to an ordinal, and those listed, as exported."""
        self._execute("ledger/versions_note", batch=batch, last=last, ordinals=list(ordinals))

    def stage(
        self, source: Source, batch: int, window: Window, part: sql.Composed, may_be_folded: sql.Composable
    ) -> tuple[int, bool]:
        """Note the rows of a window's part; in one snapshot with the reading of a job's rows, or late rows could hide.

        Returns how many rows there are, including those that the job leaves out, and whether the condition
        `may_be_folded` is true for one of them.
        """
        self.discard([batch])  # an upload may start again
        values = {"stream": self.stream, "batch": batch, **between(window.start, window.end)}
        rows, folded = fetch_one(
            self.connection.execute(SourceChecks(source).stage(window, part, may_be_folded), values)
        )
        return int(rows), bool(folded)

    def confirm(self, source: Source, batches: Sequence[int], window: Window, last: Position | None) -> None:
        """Take what the Bulk jobs of a window carried for exported, up to its row at the present watermark."""
        if last == window.end:
            self._execute("ledger/versions_confirm_all", batches=list(batches))
        elif last is not None:
            values = {"batches": list(batches), **last.as_values()}
            self.connection.execute(SourceChecks(source).confirm(last), values)
        self.discard(batches)

    def discard(self, batches: Sequence[int]) -> None:
        """Forget what Bulk jobs carried and what is not confirmed."""
        self._execute("ledger/versions_discard", batches=list(batches))

    def compare(self, source: Source, watermark: Position, guard: Guard = nullcontext) -> Iterator[Compared]:
        """Compare the source with what was exported, page by page up to the watermark, and yield each page.

        A page is one transaction inside `guard`, which rejects it when the stream is another process's by now. What
        agrees is packed as it goes, so a comparison that ends early has lost nothing; the lines of batches are
        forgotten after the last page.
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
        """Return the keys of rows that changed so shortly before the watermark and were not exported as they are."""
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

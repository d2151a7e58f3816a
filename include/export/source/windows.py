"""Windows of a source: the ranges of rows that Bulk jobs send."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import sql

from include.export.positions import Position, Window
from include.export.record_sql import RecordForm
from include.export.source.relation import explain_shared_position
from include.export.source.source import Source
from include.sql import load_statement, pin_index_plans


@dataclass(frozen=True)
class SourceWindows:
    """Finds and reads the windows of a source."""

    source: Source

    def pin_plans(self) -> None:
        """Make the transaction read the source by its indexes."""
        pin_index_plans(self.source.connection)

    def find_next(self, after: Position | None, horizon: str, rows: int) -> tuple[Window, int] | None:
        """Return the window of the next `rows` changed rows, or of all remaining ones, and the number of its rows."""
        values = {"horizon": horizon, "rows": rows, **(after.as_values() if after else {})}
        found = self._fetch(self.source.compose("source/window_end", after), values)
        if found:
            return Window(after, Position(*found)), rows
        last = self._fetch(self.source.compose("source/window_last", after), values)
        return (Window(after, Position(last[0], last[1])), last[2]) if last else None

    def find_colliding_ids(self, window: Window, form: RecordForm) -> list[str]:
        """Return the external ids, as Salesforce compares them, that several live rows of a window share."""
        parts = {"deleted": form.deleted, "folded": form.identity.folded}
        blanks = sql.Composed([])
        if form.identity.field.case_sensitive:
            text = form.identity.column.exact_text
            blanks = self.source.compose_window("source/window_blanks", window, text=text, **parts)
        statement = self.source.compose_window("source/window_colliding_ids", window, where_blanks_only=blanks, **parts)
        found = self._fetch(statement, window.as_values())
        return list(found[0]) if found else []

    def check_positions(self, window: Window) -> None:
        """Raise ConfigurationFailure when two rows of a window share a position, or one has no key."""
        source = self.source
        if source.relation.is_provable:
            return
        statement = source.compose_window("source/window_shared", window, shares_position=source.shared.with_next)
        found = self._fetch(statement, window.as_values())
        if found:
            raise explain_shared_position(source.stream, found[0])

    def find_stop(self, window: Window, stream: str, planned_at: str) -> tuple[int, Position] | None:
        """Return the first record of a window that was rejected since it was planned: error id and position."""
        values = {**window.as_values(), "stream": stream, "planned_at": planned_at}
        found = self._fetch(self.source.compose_window("source/window_stop", window), values)
        return (found[0], Position(found[1], found[2])) if found else None

    def find_unrecorded(self, window: Window, window_id: UUID | None) -> Position | None:
        """Return the first rejected row of a window that its settled jobs have counted only."""
        key = self.source.key
        bounds = {"key": key.place(sql.SQL("b.unrecorded_key")), "end_key": key.place(sql.SQL("%(range_to_key)s"))}
        statement = load_statement("source/window_unrecorded").format(**bounds)
        found = self._fetch(statement, {**window.as_values(), "window_id": window_id})
        return Position(*found) if found else None

    def count_arrived(self, window: Window, stream: str, window_id: UUID | None, planned_at: str) -> int:
        """Count the rows of a part of a window that its jobs carried and that were not recorded as rejected."""
        values = {**window.as_values(), "stream": stream, "window_id": window_id, "planned_at": planned_at}
        found = self._fetch(self.source.compose_window("source/window_arrived", window), values)
        return int(found[0]) if found else 0

    def find_before(self, window: Window, place: Position) -> Position | None:
        """Return the last row of a window before a position, None when the window starts with it."""
        statement = self.source.compose_window(
            "source/window_before", window, before=self.source.bound("<", "cursor_at", "record_key")
        )
        found = self._fetch(statement, {**window.as_values(), **place.as_values()})
        return Position(*found) if found else None

    def part_of(self, batch_parts: int, part: int) -> sql.Composed:
        """Return the condition of a window's part; all rows of one parent are in the same part.

        Rows without a parent are spread by their key. Jobs that a run adopts have the parts of their upload, so this
        is the only place that knows the expression.
        """
        column = self.source.stream.lock_order
        if batch_parts == 1 or column is None:
            return sql.Composed([])
        parent = sql.SQL("coalesce(s.{}::text, s.{}::text)").format(
            sql.Identifier(column), sql.Identifier(self.source.stream.key)
        )
        return sql.SQL("and mod(hashtextextended({}, 0), {}) in ({}, {})").format(
            parent, sql.Literal(batch_parts), sql.Literal(part), sql.Literal(part - batch_parts)
        )

    def compose_copy(
        self,
        window: Window,
        columns: sql.Composed,
        needs_collections: sql.Composed,
        part: sql.Composed,
        *,
        by_parent: bool,
    ) -> sql.Composed:
        """Return the statement that writes a window's rows as CSV."""
        return self.source.compose_window(
            "source/window_copy",
            window,
            columns=columns,
            needs_collections=needs_collections,
            part=part,
            order=self.order_of_job(by_parent=by_parent),
        )

    def order_of_job(self, *, by_parent: bool) -> sql.Composable:
        """Return the order of a job's rows: by position, or by parent and then position."""
        positions = sql.SQL("s.{}, {}").format(sql.Identifier(self.source.stream.cursor), self.source.key.order)
        column = self.source.stream.lock_order
        if not by_parent or column is None:
            return positions
        return sql.SQL("s.{}, {}").format(sql.Identifier(column), positions)

    def _fetch(self, statement: sql.Composed, values: Mapping[str, object]) -> tuple[Any, ...] | None:
        return self.source.connection.execute(statement, values).fetchone()

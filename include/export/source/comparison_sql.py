"""The statements of the daily check over a source: versions, positions, listed records, sums."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from include.export.positions import Position, Window
from include.export.record_sql import ExternalIdForm
from include.export.source.source import Source
from include.sql import fetch_value


@dataclass(frozen=True)
class SourceChecks:
    """Composes the statements. Their values are an end position, and a start position prefixed from_ (`between`)."""

    source: Source

    def section(self, after: Position | None, watermark: Position) -> sql.Composed:
        """Return the statement that finds the next packed lines of ExportedVersions, up to the watermark."""
        return self._compose("source/versions_section", after, watermark)

    def unchanged(self, after: Position | None, watermark: Position) -> sql.Composed:
        """Return the statement that compares packed lines as a whole with the rows of their ranges."""
        return self._compose(
            "source/versions_unchanged",
            after,
            watermark,
            chosen_key=self._key("l.record_key"),
            chosen_from=self._key("l.from_record_key"),
        )

    def compare(self, after: Position | None, end: Position) -> sql.Composed:
        """Return the statement that compares the rows between two positions with the versions exported last."""
        return self._compose("source/versions_check", after, end)

    def look_back(self, watermark: Position) -> sql.Composed:
        """Return the statement that finds rows shortly before the watermark whose version was not exported."""
        return self.source.compose("source/versions_look_back", watermark)

    def stage(self, window: Window, part: sql.Composed, may_be_folded: sql.Composable) -> sql.Composed:
        """Return the statement that records the versions of the rows of a window's part."""
        parts = {"part": part, "may_be_folded": may_be_folded}
        return self._compose("source/versions_stage", window.start, window.end, **parts)

    def confirm(self, last: Position) -> sql.Composed:
        """Return the statement that confirms what the jobs of a window carried up to a position."""
        return self.source.compose("source/versions_confirm", last)

    def is_beyond(self, position: Position, other: Position) -> bool:
        """Return whether a position is after another one."""
        statement = self._compose("source/position_is_beyond", other, position)
        return bool(fetch_value(self.source.connection.execute(statement, between(other, position))))

    def listed(self, name: str, identity: ExternalIdForm) -> sql.Composed:
        """Return a statement over the records that Salesforce lists and the rows they belong to."""
        return self.source.compose(name, None, is_same=identity.same(sql.SQL("l.external_id")))

    def sum_groups(self, values: Mapping[str, object], **parts: sql.Composable) -> list[tuple[Any, ...]]:
        """Sum columns of the rows up to the watermark; returns each group, whether its sums are wrong, and the sums."""
        statement = self.source.compose("source/check_sums", None, watermark_key=self._key("w.record_key"), **parts)
        return self.source.connection.execute(statement, values).fetchall()

    def _compose(self, name: str, after: Position | None, end: Position, **more: sql.Composable) -> sql.Composed:
        behind = sql.SQL("and {}").format(self.source.bound(">", "from_cursor_at", "from_record_key"))
        return self.source.compose(
            name,
            end,
            behind=behind if after else sql.SQL(""),
            line_key=self._key("v.record_key"),
            reach_key=self._key("reach.record_key"),
            from_key=self._key("%(from_record_key)s"),
            end_key=self._key("%(record_key)s"),
            shares_position=self.source.shared.with_next,
            **more,
        )

    def _key(self, text: str) -> sql.Composed:
        """Return an expression of key text as a key that compares in position order."""
        return self.source.key.place(sql.SQL(text))


def between(after: Position | None, end: Position) -> dict[str, str | None]:
    """Return two positions as the values of these statements."""
    start = after.as_values() if after else {"cursor_at": None, "record_key": None}
    return {**end.as_values(), **{f"from_{name}": value for name, value in start.items()}}

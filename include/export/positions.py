"""Positions (change time and unique key of a row), and the windows between two of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Position:
    """The place of a row in its stream. Both parts are text as Postgres writes them: only SQL compares positions."""

    cursor_at: str
    record_key: str

    def __str__(self) -> str:
        return f"{self.cursor_at} / {self.record_key}"

    def as_values(self) -> dict[str, str]:
        """Return the position as the values of a statement."""
        return {"cursor_at": self.cursor_at, "record_key": self.record_key}


@dataclass(frozen=True)
class Window:
    """The rows of a stream after `start` (None: from the beginning) up to and including `end`."""

    start: Position | None
    end: Position

    def as_values(self) -> dict[str, Any]:
        """Return the window as the values of a statement."""
        return {
            "range_from_at": self.start.cursor_at if self.start else None,
            "range_from_key": self.start.record_key if self.start else None,
            "range_to_at": self.end.cursor_at,
            "range_to_key": self.end.record_key,
        }

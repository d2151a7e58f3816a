"""The position of a row: its change time and its unique key."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Position:
    """A place in a stream's order. Both parts are text as Postgres writes them: only SQL compares positions."""

    cursor_at: str
    record_key: str

    def __str__(self) -> str:
        return f"{self.cursor_at} / {self.record_key}"

    def as_values(self) -> dict[str, str]:
        """Return the position as the values of a statement."""
        return {"cursor_at": self.cursor_at, "record_key": self.record_key}

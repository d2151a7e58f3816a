"""The schedule of the sink's jobs: each runs at a set pace, a few at once, in the order in which they were closed."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

JOBS_AT_ONCE = 5
ROWS_OF_A_TRANSACTION = 200


@dataclass(frozen=True)
class Turn:
    """The time in which a job of a number of rows runs, by the monotonic clock."""

    begins: float
    ends: float
    rows: int

    def look(self) -> tuple[str, int]:
        """Return the state of the job now, and how many of its rows are saved."""
        now = time.monotonic()
        if now >= self.ends:
            return "JobComplete", self.rows
        if now < self.begins:
            return "UploadComplete", 0
        share = (now - self.begins) / (self.ends - self.begins)
        return "InProgress", int(self.rows * share) // ROWS_OF_A_TRANSACTION * ROWS_OF_A_TRANSACTION


@dataclass
class Schedule:
    """The turns of closed jobs; a job saves `pace` rows per second, 0: all at once."""

    pace: float = 0.0
    turns: list[Turn] = field(default_factory=list)

    def add(self, rows: int) -> Turn:
        """Return the turn of a job that is closed now: it waits until few enough of the earlier ones are unfinished."""
        now = time.monotonic()
        if not self.pace:
            return Turn(now, now, rows)
        ends = sorted(turn.ends for turn in self.turns if turn.ends > now)
        begins = ends[-JOBS_AT_ONCE] if len(ends) >= JOBS_AT_ONCE else now
        turn = Turn(begins, begins + rows / self.pace, rows)
        self.turns.append(turn)
        return turn

"""How large the next window and its jobs are: arithmetic over what a row was seen to take."""

from __future__ import annotations

import math
from dataclasses import dataclass

from include.export.options import JOB_GROWTH

MARGIN = 1.2  # rows differ in size: after a job that grew too large, a row counts for this much more


@dataclass
class WindowSizer:
    """The size of the next window. `rows` is how many rows it takes, `row_bytes` what a row takes in a job.

    `smallest` is the least number of rows of a job, `job_bytes` what a job is planned for, `jobs` into how many jobs
    in flight a window may be divided, None where it stays one job. `part_rows` are so many that a job of their own is
    worth its calls.
    """

    smallest: int
    job_bytes: int
    jobs: int | None
    row_bytes: float
    part_rows: int
    rows: int = 0
    ceiling: int | None = None  # rows; after a window that took too long to read

    def begin(self, *, small: bool, kept: int | None = None) -> None:
        """Begin with the smallest window or the largest one; with the last good size where it was `kept`."""
        chosen = kept or (self.smallest if small else self.most_rows())
        self.rows = min(max(chosen, self.smallest), self.most_rows())

    def grow(self) -> None:
        """Let the next window be larger, as a clean one allows."""
        self.rows = min(self.rows * JOB_GROWTH, self.most_rows())

    def reduce(self, rows: int) -> bool:
        """Let the next window be smaller than one of so many rows; False when it was the smallest."""
        if rows > self.smallest:
            self.rows = max(rows // JOB_GROWTH, self.smallest)
        return rows > self.smallest

    def cap(self, rows: int) -> bool:
        """Let no later window be as large as one of so many rows; False when it was the smallest."""
        reduced = self.reduce(rows)
        self.ceiling = self.rows if reduced else self.ceiling
        return reduced

    def shrink(self, row_bytes: float) -> None:
        """Take what rows were seen to take in a job that grew too large."""
        self.row_bytes = row_bytes * MARGIN
        self.rows = self.most_rows()

    def parts(self, rows: int) -> int:
        """Return into how many jobs a window of so many rows is divided."""
        if not self.jobs:
            return 1
        return max(math.ceil(rows / self.rows_of_a_job()), min(self.jobs, rows // self.part_rows), 1)

    def most_rows(self) -> int:
        """Return how many rows a window takes at most."""
        most = self.rows_of_a_job() * (self.jobs or 1)
        return min(most, self.ceiling) if self.ceiling else most

    def rows_of_a_job(self) -> int:
        """Return how many rows a job takes at most."""
        return max(int(self.job_bytes / max(self.row_bytes, 1.0)), 1)

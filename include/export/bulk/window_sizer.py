"""The size of the next window and of its jobs, calculated from the measured bytes per row."""

from __future__ import annotations

import math
from dataclasses import dataclass

from include.export.options import JOB_GROWTH

MARGIN = 1.2  # rows differ in size: after a job that grew too large, the bytes per row are multiplied by this


@dataclass
class WindowSizer:
    """The size of the next window in `rows`; `row_bytes` are the bytes of a row in a job.

    `smallest` is the minimum of rows in a job, `job_bytes` the planned size of a job. `jobs` is the number of jobs in
    flight into which a window may be divided, None if it stays one job; `part_rows` is how many rows are worth a job
    of their own.
    """

    smallest: int
    job_bytes: int
    jobs: int | None
    row_bytes: float
    part_rows: int
    rows: int = 0
    ceiling: int | None = None  # the most rows, after reading a window took too long or its parts were uneven

    def begin(self, *, small: bool, kept: int | None = None) -> None:
        """Begin with the smallest or the largest window, or with the last good size if it was `kept`."""
        chosen = kept or (self.smallest if small else self.most_rows())
        self.rows = min(max(chosen, self.smallest), self.most_rows())

    def halve(self) -> None:
        """Make the next window half as large, because it is the first of several that are uploaded side by side.

        It is found sooner, and the uploads end at different times.
        """
        self.rows = max(self.rows // 2, self.smallest)

    def grow(self) -> None:
        """Make the next window larger, after a clean one."""
        self.rows = min(self.rows * JOB_GROWTH, self.most_rows())

    def reduce(self, rows: int) -> bool:
        """Make the next window smaller than one of `rows` rows; False when that was the smallest."""
        if rows > self.smallest:
            self.rows = max(rows // JOB_GROWTH, self.smallest)
        return rows > self.smallest

    def cap(self, rows: int) -> bool:
        """Make all later windows smaller than one of `rows` rows; False when that was the smallest."""
        reduced = self.reduce(rows)
        self.ceiling = self.rows if reduced else self.ceiling
        return reduced

    def measure(self, *row_bytes: float) -> None:
        """Use the largest measured bytes per row; a job without rows has none."""
        self.row_bytes = max(row_bytes) or self.row_bytes

    def shrink(self, rows: int, row_bytes: float) -> None:
        """Use the measured bytes per row of a job that grew too large, of a window of `rows` rows.

        The parts of a divided window may be uneven, so all later windows are smaller than it; from the smallest one on,
        a window is one job.
        """
        self.row_bytes = row_bytes * MARGIN
        if self.jobs:
            smaller = max(rows // JOB_GROWTH, self.smallest) if rows > self.smallest else self.rows_of_a_job()
            self.ceiling = min(smaller, self.most_rows())
        self.rows = min(self.rows, self.most_rows())

    def parts(self, rows: int) -> int:
        """Return the number of jobs into which a window of `rows` rows is divided."""
        if not self.jobs:
            return 1
        return max(math.ceil(rows / self.rows_of_a_job()), min(self.jobs, rows // self.part_rows), 1)

    def most_rows(self) -> int:
        """Return the maximum of rows in a window."""
        most = self.rows_of_a_job() * (self.jobs or 1)
        return min(most, self.ceiling) if self.ceiling else most

    def rows_of_a_job(self) -> int:
        """Return the maximum of rows in a job."""
        return max(int(self.job_bytes / max(self.row_bytes, 1.0)), 1)

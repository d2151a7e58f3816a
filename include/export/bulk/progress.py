"""What a person can follow in the log while much is sent: rows, rate, time left; a line every few seconds at most."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

log = logging.getLogger(__name__)
LINE_SECONDS = 5.0  # between two lines
LATE = 1.02  # a look that comes a little after the estimated end finds a job that has ended
LONGER = 1.5  # times that a look may come later than it would without an estimate: one right before the end is lost
SOONER = 8  # times that a look may come sooner than it would without an estimate, which may be wrong


@dataclass(frozen=True)
class Look:
    """A look at a job that Salesforce works on: when it was, and how many rows had been processed."""

    moment: float
    processed: int

    def estimate_left(self, first: Look, rows: int) -> float | None:
        """Return in how many seconds a job of so many rows is expected to end, by its pace since the first look.

        None where no pace is to be seen.
        """
        seconds, processed = self.moment - first.moment, self.processed - first.processed
        if seconds <= 0 or processed <= 0:
            return None
        return max(rows - self.processed, 0) * seconds / processed

    def choose_delay(self, first: Look, rows: int, delay: float) -> float:
        """Return how long to wait before the next look: `delay`, or until the expected end of the job if it is soon."""
        left = self.estimate_left(first, rows)
        if left is None or left * LATE > delay * LONGER:
            return delay
        return max(left * LATE, delay / SOONER)


@dataclass
class Progress:
    """The progress of one run. `count` returns how many rows are left, up to `limit`; it is asked at the first line."""

    stream: str
    count: Callable[[], int]
    limit: int
    settled: int = 0
    _changed: int | None = None
    _began: float = field(default_factory=time.monotonic)
    _logged: float = field(default_factory=time.monotonic)

    def log_upload(self, job_id: str, rows: int) -> None:
        """Log how many rows of a job are uploaded."""
        if self._is_due():
            log.info("Stream %s: job %s, %s; uploading", self.stream, job_id, self._so_far(self.settled + rows))

    def log_job(self, job_id: str, state: str, processed: int) -> None:
        """Log what Salesforce says of a job that it works on."""
        if self._is_due():
            so_far = self._so_far(self.settled + processed)
            log.info("Stream %s: job %s is %s, %s", self.stream, job_id, state, so_far)

    def settle(self, rows: int) -> None:
        """Count rows whose outcome is settled."""
        self.settled += rows

    def _is_due(self) -> bool:
        if time.monotonic() - self._logged < LINE_SECONDS:
            return False
        self._logged = time.monotonic()
        return True

    def _so_far(self, rows: int) -> str:
        rate = rows / max(time.monotonic() - self._began, 0.001)
        if self._changed is None:
            self._changed = self.settled + self.count()
        known = self._changed < self.limit
        changed = f"{self._changed:,}" if known else f"more than {self.limit - 1:,}"
        left = f", about {_duration((self._changed - rows) / rate)} left" if known and rate and rows else ""
        return f"{rows:,} of {changed} changed rows, {rate:,.0f} rows/s{left}"


def _duration(seconds: float) -> str:
    whole = max(int(seconds), 0)
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"

"""The progress of long exports in the log: rows, rate and time left; at most one line every few seconds."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

log = logging.getLogger(__name__)
LINE_SECONDS = 5.0  # between two lines
LATE = 1.02  # times the estimated time left: a look a little after the estimated end finds the job finished
LONGER = 1.5  # times the usual delay that a look may wait for the estimated end: one right before it would be wasted
SOONER = 8  # how many times shorter than usual a delay may be, because the estimate may be wrong


@dataclass(frozen=True)
class Look:
    """A look at a running job: its time, and how many rows had been processed."""

    moment: float
    processed: int

    def estimate_left(self, first: Look, rows: int) -> float | None:
        """Return the seconds until a job of `rows` rows is expected to end, by its pace since the first look.

        None if no row was processed since.
        """
        seconds, processed = self.moment - first.moment, self.processed - first.processed
        if seconds <= 0 or processed <= 0:
            return None
        return max(rows - self.processed, 0) * seconds / processed

    def choose_delay(self, first: Look, rows: int, delay: float) -> float:
        """Return the wait before the next look: `delay`, or until just after the expected end if that is soon."""
        left = self.estimate_left(first, rows)
        if left is None or left * LATE > delay * LONGER:
            return delay
        return max(left * LATE, delay / SOONER)


@dataclass
class Progress:
    """The progress of one run. `count` returns how many rows are left, up to `limit`; the first line calls it."""

    stream: str
    count: Callable[[], int]
    limit: int
    settled: int = 0
    _changed: int | None = None
    _began: float = field(default_factory=time.monotonic)
    _logged: float = field(default_factory=time.monotonic)

    def log_upload(self, job_id: str, rows: int) -> None:
        """Log how many rows of a job have been uploaded."""
        if self._is_due():
            log.info("Stream %s: job %s, %s; uploading", self.stream, job_id, self._so_far(self.settled + rows))

    def log_job(self, job_id: str, state: str, processed: int) -> None:
        """Log the state of a running job as Salesforce reports it."""
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

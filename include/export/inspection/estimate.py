"""Estimates the requests or Bulk jobs, and the API calls, that sending rows takes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from include.export.options import CALLS_OF_A_JOB, JOB_ROWS
from include.export.salesforce import find_bulk_obstacle
from include.export.streams import Stream


@dataclass(frozen=True)
class Size:
    """Requests or Bulk jobs, and the API calls that they take together."""

    requests: int
    jobs: int
    calls: int

    @property
    def text(self) -> str:
        """Return the estimate as text for a sentence."""
        sent = _count(self.jobs, "Bulk job") if self.jobs else _count(self.requests, "request")
        return f"{sent}, about {_count(self.calls, 'API call')}"


def estimate_calls(stream: Stream, rows: int, *, paused: bool, batch_size: int = 200) -> Size:
    """Return the estimate for a number of rows; `paused` is the setting pause_on_export_errors."""
    threshold = stream.bulk_from_paused if paused else stream.bulk_from
    by_jobs = threshold is not None and rows >= threshold and find_bulk_obstacle(stream) is None
    if by_jobs:
        jobs = math.ceil(rows / JOB_ROWS)
        return Size(1, jobs, jobs * CALLS_OF_A_JOB + 1)
    requests = math.ceil(rows / batch_size)
    return Size(requests, 0, requests)


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}{'' if number == 1 else 's'}"

"""The number of histories of a test run, and whether enough happened in them."""

from __future__ import annotations

import os
from collections import Counter

HISTORIES = int(os.environ.get("HISTORIES", "500"))
FIRST = int(os.environ.get("HISTORIES_FROM", "0"))
PART = 250  # histories of one test
_HAPPEN = ("kill", "leases expired", "lose", "reject", "disconnect", "shorten", "stops", "toggles", "records rejected")


def divide() -> list[range]:
    """Return the seeds of each test of one file: half of the histories are run with Bulk jobs, half without."""
    last = FIRST + max(HISTORIES // 2, 1)
    return [range(first, min(first + PART, last)) for first in range(FIRST, last, PART)]


def happened_enough(counts: Counter[str]) -> bool:
    """Return whether many histories together covered enough; histories that send nothing prove nothing."""
    return counts["rows sent"] > PART and min(counts[what] for what in _HAPPEN) > 0

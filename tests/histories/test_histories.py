"""Random histories of the product's own code: whatever crashes, nothing is lost and nothing is stale.

Each history is told by its seed alone. Failing: `Violation: I4: …` with the journal of what happened. The same
history again: `HISTORIES_FROM=<seed> HISTORIES=1 .venv/bin/python -m pytest tests/histories/test_histories.py`.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest

from histories.stage import Stage

HISTORIES = int(os.environ.get("HISTORIES", "3000"))
FIRST = int(os.environ.get("HISTORIES_FROM", "0"))
PART = 250  # histories of one test
_HAPPEN = ["kill", "leases expired", "lose", "refuse", "disconnect", "shorten", "stops", "toggles", "records refused"]


@pytest.mark.parametrize("first", range(FIRST, FIRST + HISTORIES, PART))
def test_the_invariants_hold_at_every_commit_and_at_the_end(first: int, stage: Stage) -> None:
    counts: Counter[str] = Counter()
    last = min(first + PART, FIRST + HISTORIES)
    for seed in range(first, last):
        counts.update(stage.play(seed).counts)
    if last - first == PART:
        assert counts["rows sent"] > PART, "histories that send nothing show nothing"
        assert min(counts[what] for what in _HAPPEN) > 0, counts

"""Random histories of the product's own code: whatever crashes, nothing is lost and nothing is stale.

Each history is told by its seed alone. Failing: `Violation: I4: …` with the journal of what happened. The same
history again: `HISTORIES_FROM=<seed> HISTORIES=1 .venv/bin/python -m pytest tests/histories/test_histories.py`.
"""

from __future__ import annotations

import os
from collections import Counter

from histories.stage import Stage

HISTORIES = int(os.environ.get("HISTORIES", "3000"))
FIRST = int(os.environ.get("HISTORIES_FROM", "0"))


def test_the_invariants_hold_at_every_commit_and_at_the_end_of_random_histories(stage: Stage) -> None:
    counts: Counter[str] = Counter()
    for seed in range(FIRST, FIRST + HISTORIES):
        counts.update(stage.play(seed).counts)
    assert counts["rows sent"] > HISTORIES, "histories that send nothing show nothing"
    if HISTORIES >= 1000:
        happened = ["kill", "leases expired", "lose", "refuse", "disconnect", "shorten", "stops", "toggles"]
        assert min(counts[what] for what in happened) > 10, counts

"""Random histories of the product's own code: after any crash, nothing is lost and nothing is stale.

Its seed alone defines a history. A failure shows `Violation: I4: …` with the journal of events. To run the same
history: `HISTORIES_FROM=<seed> HISTORIES=1 .venv/bin/python -m pytest tests/histories/test_histories.py`.
Half of HISTORIES are here, the other half, with Bulk jobs, in test_bulk_histories.py.
"""

from __future__ import annotations

import pytest

from histories.stage import Stage
from histories.volume import PART, divide, happened_enough


@pytest.mark.parametrize("seeds", divide(), ids=str)
def test_the_invariants_hold_at_every_commit_and_at_the_end(seeds: range, stage: Stage) -> None:
    counts = stage.play_many(seeds, bulk=False)
    assert len(seeds) < PART or happened_enough(counts), counts

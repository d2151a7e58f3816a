"""Random histories in which many rows are sent in Bulk jobs; otherwise as test_histories.py."""

from __future__ import annotations

import pytest

from histories.stage import Stage
from histories.volume import PART, divide, happened_enough


@pytest.mark.parametrize("seeds", divide(), ids=str)
def test_the_invariants_hold_at_every_commit_and_at_the_end(seeds: range, stage: Stage) -> None:
    counts = stage.play_many(seeds, bulk=True)
    assert len(seeds) < PART or (happened_enough(counts) and counts["jobs"] > PART / 10), counts

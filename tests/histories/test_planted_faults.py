"""The invariants have teeth: each fault planted into the product is noticed within a bounded number of histories."""

from __future__ import annotations

import pytest

from histories.planted import PLANTED
from histories.stage import Stage
from histories.violations import Violation


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_noticed(name: str, stage: Stage) -> None:
    fault = PLANTED[name]
    noticed = None
    with fault.plant():
        for seed in range(fault.within):
            try:
                stage.play(seed, fault.weather)
            except Violation as found:
                noticed = found
                break
    assert noticed is not None, f"{fault.within} histories did not notice it"
    assert noticed.invariant in fault.noticed_by, str(noticed)

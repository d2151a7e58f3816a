"""The invariants can fail: each fault planted into the product is detected within a bounded number of histories."""

from __future__ import annotations

import pytest

from histories.planted import PLANTED, PlantedFault, Schedule
from histories.stage import Stage
from histories.tasks import BULK_STREAM, TaskOptions
from histories.violations import Violation

RANDOM = [name for name, fault in PLANTED.items() if fault.schedule is None]
SCHEDULED = [name for name, fault in PLANTED.items() if fault.schedule is not None]


@pytest.mark.parametrize("name", RANDOM)
def test_a_planted_fault_is_noticed_in_random_histories(name: str, stage: Stage) -> None:
    fault = PLANTED[name]
    with fault.plant():
        noticed = _play_until_noticed(fault, stage)
    assert noticed is not None, f"{fault.within} histories did not notice it"
    assert noticed.invariant in fault.noticed_by, str(noticed)


@pytest.mark.parametrize("name", SCHEDULED)
def test_a_rare_planted_fault_is_noticed_in_a_schedule(name: str, stage: Stage) -> None:
    fault = PLANTED[name]
    assert fault.schedule is not None
    with fault.plant(), pytest.raises(Violation) as noticed:
        _summarize(fault.schedule, stage)
    assert noticed.value.invariant in fault.noticed_by, str(noticed.value)


@pytest.mark.parametrize("name", SCHEDULED)
def test_the_schedule_is_harmless_without_the_fault(name: str, stage: Stage) -> None:
    schedule = PLANTED[name].schedule
    assert schedule is not None
    _summarize(schedule, stage)


def _play_until_noticed(fault: PlantedFault, stage: Stage) -> Violation | None:
    for seed in range(fault.first, fault.first + fault.within):
        try:
            stage.play(seed, fault.weather)
        except Violation as found:
            return found
    return None


def _summarize(schedule: Schedule, stage: Stage) -> None:
    world = stage.make_world(TaskOptions(BULK_STREAM, batch_size=1))
    with world.at_work():
        schedule(world)

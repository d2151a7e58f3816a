"""The planted faults, the invariants that may detect each first, and within how many histories one must.

Five are too rare by chance and have a fixed schedule; each schedule is also run without the fault.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from histories import planted_bulk_faults as bulk
from histories import planted_faults as any_transport
from histories import schedules
from histories.random_driver import Weather
from histories.world import World

Schedule = Callable[[World], None]
Plant = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True)
class PlantedFault:
    """A fault, detected by one of its invariants within a number of histories of a weather, or in a schedule.

    The `first` seed is a little below one that detects it, to save time; seeds above detect it too.
    """

    plant: Plant
    noticed_by: frozenset[str]
    within: int = 0
    weather: Weather | None = None
    first: int = 0
    schedule: Schedule | None = None


def _fault(
    plant: Plant, noticed_by: str, within: int, weather: Weather | None = None, *, first: int = 0
) -> PlantedFault:
    return PlantedFault(plant, frozenset(noticed_by.split()), within, weather, first)


def _scheduled(plant: Plant, noticed_by: str, schedule: Schedule) -> PlantedFault:
    return PlantedFault(plant, frozenset(noticed_by.split()), schedule=schedule)


_STORM = Weather(faults=0.15, network=0.3, conflicts=False, bad=0.4)
_RIVALRY = Weather(faults=0.0, network=0.0, conflicts=True, bad=0.2)
_JOBS = Weather(faults=0.06, network=0.1, conflicts=False, bad=0.2, bulk=True)

PLANTED = {
    fault.plant.__name__: fault
    for fault in (
        _fault(any_transport.no_horizon, "I4", 200, first=12),
        _fault(any_transport.cursor_without_key, "I4 I9", 100),
        _fault(any_transport.key_cut, "I4 I9", 100),
        _fault(any_transport.settings_of_the_role, "I4 I6 I9", 100),
        _fault(any_transport.pause_ignored, "I5", 100, first=18),
        _fault(any_transport.watermark_before_results, "I4 I5", 100),
        _fault(any_transport.missing_results_are_successes, "I4 I6 I7", 300, _STORM, first=120),
        _fault(any_transport.system_failure_as_record_errors, "I6", 300, _STORM, first=18),
        _fault(any_transport.no_epoch_fence, "I2 I4 I5 I8", 300, first=20),
        _fault(any_transport.duplicates_sent, "I1 I2 I4 I6", 300, _RIVALRY),
        _fault(any_transport.last_duplicate_wins, "I1 I4", 300, _RIVALRY),
        _scheduled(any_transport.stored_payload_replayed, "I2", schedules.a_run_is_killed_with_a_newer_version_sent),
        _fault(any_transport.reexport_without_the_lease, "I2 I8", 300, first=12),
        _fault(any_transport.child_sent_before_its_parent, "I14", 100),
        _fault(bulk.intent_not_stored, "I2 I11", 300, _JOBS, first=120),
        _scheduled(bulk.job_noted_after_it_was_closed, "I2 I11", schedules.a_run_is_killed_when_it_has_closed_its_job),
        _fault(bulk.closed_before_its_turn, "order", 100, _JOBS),
        _fault(bulk.old_job_not_waited_for, "I2 I11", 300, _JOBS, first=55),
        _fault(bulk.window_acknowledged_by_its_first_job, "I4", 300, _JOBS, first=120),
        _fault(bulk.settled_before_the_job_is_over, "I2 I4 I11", 300, _JOBS),
        _scheduled(bulk.failed_job_as_record_errors, "I6 I9", schedules.a_job_fails_half_way),
        _scheduled(bulk.unanswered_rows_are_successes, "I4", schedules.a_job_fails_half_way),
        _scheduled(bulk.left_out_rows_judged_again, "I4", schedules.a_duplicate_moves_while_a_job_is_running),
    )
}

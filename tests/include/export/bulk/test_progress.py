"""When a job is polled: at growing intervals, and sooner if it is expected to end before the next look."""

from __future__ import annotations

import pytest

from include.export.bulk.progress import Look

FIRST = Look(100.0, 2_000)


def test_what_is_left_is_estimated_from_the_pace_since_the_first_look() -> None:
    assert Look(110.0, 12_000).estimate_left(FIRST, 20_000) == pytest.approx(8.0)
    assert Look(110.0, 20_000).estimate_left(FIRST, 20_000) == pytest.approx(0.0)


@pytest.mark.parametrize("look", [FIRST, Look(110.0, 2_000), Look(110.0, 0)], ids=["first", "halted", "fewer"])
def test_without_a_pace_nothing_is_estimated(look: Look) -> None:
    assert look.estimate_left(FIRST, 20_000) is None
    assert look.choose_delay(FIRST, 20_000, 30.0) == pytest.approx(30.0)


def test_a_job_is_looked_at_a_little_after_its_estimated_end() -> None:
    assert Look(110.0, 12_000).choose_delay(FIRST, 20_000, 30.0) == pytest.approx(8.0, rel=0.05)
    assert Look(110.0, 12_000).choose_delay(FIRST, 20_000, 30.0) > 8.0
    assert Look(110.0, 12_000).choose_delay(FIRST, 20_000, 7.0) > 8.0, "a look right before the end would be wasted"
    assert Look(110.0, 12_000).choose_delay(FIRST, 20_000, 4.0) == pytest.approx(4.0)


def test_an_estimate_that_is_wrong_does_not_cost_many_calls() -> None:
    assert Look(110.0, 20_000).choose_delay(FIRST, 20_000, 32.0) == pytest.approx(4.0)
    assert Look(110.0, 3_000).choose_delay(FIRST, 2_000_000, 30.0) == pytest.approx(30.0)

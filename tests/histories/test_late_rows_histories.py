"""Random histories of the check for late rows while others run; as test_histories.py, a tenth as many."""

from __future__ import annotations

from dataclasses import replace

import pytest

from histories.late_rows_history import check_without_the_lease, draw_weather, play_checks, small_pages
from histories.stage import Stage
from histories.violations import Violation
from histories.volume import FIRST, HISTORIES

SEEDS = range(FIRST, FIRST + max(HISTORIES // 10, 20))


def test_no_late_row_is_missed_and_none_is_sent_older_than_the_newest(stage: Stage) -> None:
    counts = play_checks(stage, SEEDS)
    assert counts["turns asked for"] > len(SEEDS) / 20, counts
    assert counts["sweeps"] > len(SEEDS), counts


def test_a_check_that_goes_on_without_the_lease_is_noticed(stage: Stage) -> None:
    with small_pages(), check_without_the_lease(), pytest.raises(Violation) as noticed:
        play_calm(stage, range(200))
    assert noticed.value.invariant in {"I2", "I4", "I8"}, str(noticed.value)


def play_calm(stage: Stage, seeds: range) -> None:
    """Run histories in which nothing but runs meets a check."""
    for seed in seeds:
        stage.play(seed, replace(draw_weather(seed), faults=0.0, network=0.0))

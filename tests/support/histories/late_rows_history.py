"""Histories of the daily check: its pages have two rows, so that the turns of other runs fall between them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace

from histories.random_driver import Weather
from histories.replacing import replaced
from histories.stage import Stage
from include.export.ledger import exported_versions
from include.export.ledger.watermarks import Lease
from include.export.reconcile import late_rows
from include.export.run import RunContext, lease_turns


def play_checks(stage: Stage, seeds: range) -> Counter[str]:
    """Run histories in which rows are back-dated and checks meet other runs; raises Violation."""
    with small_pages():
        return sum((stage.play(seed, draw_weather(seed)).counts for seed in seeds), Counter[str]())


def draw_weather(seed: int) -> Weather:
    """Return the weather that a history's seed draws, with late rows and checks."""
    return replace(Weather.draw(random.Random(seed)), late=True, checks=True)


@contextmanager
def small_pages() -> Generator[None]:
    """Let a page have two rows, a look two lines, and offer a turn after each late row."""
    with (
        replaced(exported_versions, "ROWS_OF_A_PAGE", 2),
        replaced(exported_versions, "LINES_OF_A_LOOK", 2),
        replaced(late_rows, "ROWS_OF_A_TURN", 1),
    ):
        yield


@contextmanager
def check_without_the_lease() -> Generator[None]:
    """A planted fault: the check continues after a turn without taking the lease."""

    def go_on(run: RunContext) -> None:
        run.lease = UnaskedLease(run.connection, run.stream.name, run.lease.epoch, run.lease.seconds)

    with replaced(lease_turns, "_take_again", go_on):
        yield


class UnaskedLease(Lease):
    """A lease that was never taken."""

    def renew(self) -> None:
        """Continue, whichever process is exporting the stream."""

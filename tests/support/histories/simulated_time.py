"""The clock of a history: sleeping takes no time; it is a point at which other processes run."""

from __future__ import annotations

import importlib
import pkgutil
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import cache
from types import ModuleType

import include.export

HASTE = 20  # a waiting process sees a dead owner's lease expire after a few polls, and not after 120


class SimulatedTime:
    """Stands in for the module `time` in the product's modules while a history runs."""

    def __init__(self, slept: Callable[[], None]) -> None:
        self.now = 1_000_000.0
        self._slept = slept

    def sleep(self, seconds: float) -> None:
        """Advance the clock and let other processes run."""
        self.now += seconds * HASTE
        self._slept()

    def monotonic(self) -> float:
        """Return the seconds of the clock."""
        return self.now

    perf_counter = time = monotonic


@contextmanager
def use_time(clock: SimulatedTime) -> Generator[None]:
    """Replace the time in every module of the product that uses it."""
    for module in _modules_with_time():
        setattr(module, "time", clock)  # noqa: B010 - a module's global
    try:
        yield
    finally:
        for module in _modules_with_time():
            setattr(module, "time", time)  # noqa: B010 - same


@cache
def _modules_with_time() -> list[ModuleType]:
    modules = [
        importlib.import_module(found.name)
        for found in pkgutil.walk_packages(include.export.__path__, "include.export.")
    ]
    return [module for module in modules if getattr(module, "time", None) is time]

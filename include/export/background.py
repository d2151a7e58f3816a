"""Work that a run starts, and whose outcome it reads later."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

_Result = TypeVar("_Result")


def start_work(work: Callable[[], _Result], *, threads: bool, name: str) -> Future[_Result]:
    """Start work in a thread of a `name` and return its future outcome; without `threads` it has ended before.

    The thread is a daemon: a run that is asked to end does not wait for it, unlike for the threads of an executor.
    """
    outcome: Future[_Result] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as failure:  # raised where the outcome is read
            outcome.set_exception(failure)
            if not isinstance(failure, Exception):
                raise

    if threads:
        Thread(target=run, daemon=True, name=name).start()
    else:
        run()
    return outcome

"""Stops what a stack has started when the stack ends, however it ends: asked to, by a fault, or killed.

The stack writes one line for each process group it starts, `<signal> <group>`, and closes the pipe when all is to end.
This is the one place that stops things; it imports nothing else, so that it starts at once.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

POLITE_SECONDS, FORCED_SECONDS, DATABASE_SECONDS = 6.0, 5.0, 20.0


def main() -> None:
    """Wait for the end of the stack, then stop what it has started and delete the note at the path given."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    started = [line.split() for line in sys.stdin]
    programs = [int(group) for how, group in started if how != "SIGINT"]
    databases = [int(group) for how, group in started if how == "SIGINT"]
    stop_groups(programs, signal.SIGTERM, POLITE_SECONDS)
    stop_groups(databases, signal.SIGINT, DATABASE_SECONDS)  # a fast shutdown; SIGTERM would wait for clients
    for path in sys.argv[1:]:
        Path(path).unlink(missing_ok=True)


def stop_groups(groups: Iterable[int], polite: signal.Signals, seconds: float) -> None:
    """Stop process groups: politely for that many seconds, then not."""
    left = set(groups)
    for number, patience in ((polite, seconds), (signal.SIGKILL, FORCED_SECONDS)):
        left = {group for group in left if _signal(group, number)}
        deadline = time.monotonic() + patience
        while left and time.monotonic() < deadline:
            time.sleep(0.05)
            left = {group for group in left if _signal(group, 0)}


def _signal(group: int, number: int) -> bool:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    main()

"""Stops the processes of a stack when the stack ends, whether it was asked to, failed, or was killed.

The stack writes a line `<signal> <pid>` for each process it starts (each in a session of its own), and closes the pipe
to stop them. Only this program stops processes; it imports nothing of the project, so that it starts at once.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

POLITE_SECONDS, FORCED_SECONDS, DATABASE_SECONDS = 6.0, 5.0, 20.0
PROCESSES = Path("/proc")


def main() -> None:
    """Wait for the end of the stack, then stop what it has started and delete the note at the path given."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    started = [line.split() for line in sys.stdin]
    programs = [int(leader) for how, leader in started if how != "SIGINT"]
    databases = [int(leader) for how, leader in started if how == "SIGINT"]
    stop_sessions(programs, signal.SIGTERM, POLITE_SECONDS)
    stop_sessions(databases, signal.SIGINT, DATABASE_SECONDS)  # a fast shutdown; SIGTERM would wait for clients
    for path in sys.argv[1:]:
        Path(path).unlink(missing_ok=True)


def stop_sessions(leaders: Sequence[int], polite: signal.Signals, seconds: float) -> None:
    """Stop the process groups of leaders with a signal; after that many seconds kill all processes of their sessions.

    Airflow gives each task a process group of its own, so that its signals reach the task's processes; the session
    stays the same.
    """
    for leader in leaders:
        _signal_group(leader, polite)
    _wait(leaders, seconds)
    for leader in filter(_is_running, leaders):
        _signal_group(leader, signal.SIGKILL)
        for member in find_members(leader):
            with contextlib.suppress(ProcessLookupError):
                os.kill(member, signal.SIGKILL)
    _wait(leaders, FORCED_SECONDS)


def find_members(leader: int) -> list[int]:
    """Return the running processes of a session; an empty list on systems without /proc."""
    found = []
    for entry in PROCESSES.glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError):
            state, _, _, session = entry.read_text().rpartition(")")[2].split()[:4]
            if int(session) == leader and state != "Z":
                found.append(int(entry.parent.name))
    return found


def _wait(leaders: Sequence[int], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while any(_is_running(leader) for leader in leaders) and time.monotonic() < deadline:
        time.sleep(0.05)


def _is_running(leader: int) -> bool:
    return bool(find_members(leader)) or (not PROCESSES.is_dir() and _signal_group(leader, 0))


def _signal_group(group: int, number: int) -> bool:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    main()

"""All processes of a stack are stopped, including descendants that have left their process group."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from local_stack.processes.guardian import PROCESSES, find_members, stop_sessions
from running_stack import wait_for

_STUCK = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
# as in Airflow: a task has its own process group, and a stuck one does not end at SIGTERM
_PROGRAM = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {_STUCK!r}], process_group=0); {_STUCK}"


@pytest.mark.skipif(not PROCESSES.is_dir(), reason="processes are not listed as files here")
@pytest.mark.parametrize("leader_is_gone", [False, True])
def test_what_has_left_the_process_group_is_stopped_too(leader_is_gone: bool) -> None:
    leader = subprocess.Popen([sys.executable, "-c", _PROGRAM], start_new_session=True)
    try:
        wait_for("both processes", lambda: len(find_members(leader.pid)) == 2, 60)
        if leader_is_gone:
            leader.kill()
            wait_for("the end of the leader", lambda: len(find_members(leader.pid)) == 1, 60)
        stop_sessions([leader.pid], signal.SIGTERM, 0.5)
        assert find_members(leader.pid) == []
    finally:
        leader.kill()
        leader.wait()

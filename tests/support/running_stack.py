"""Helpers for tests of a running stack: free ports, its processes, and waiting for results."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import psutil

from local_stack.cleaning import delete_everything
from local_stack.place import ROOT, Place
from local_stack.ports import Ports, is_free, variable
from local_stack.postgres import find_free_port

RUN = (sys.executable, "-m", "local_stack", "run", "--wait", "no")
CLEAN = (sys.executable, "-m", "local_stack", "clean")


def free_ports(*, redis: bool = False) -> Ports:
    """Return ports that no program uses."""
    ports = Ports(find_free_port(), find_free_port(), find_free_port(), find_free_port())
    return replace(ports, redis=find_free_port()) if redis else ports


def environment_of(state: Path, ports: Ports | None = None, **more: str) -> dict[str, str]:
    """Return the environment of commands for a stack with its state in a folder."""
    asked = {variable(name): str(port) for name, port in asdict(ports).items() if port} if ports else {}
    return os.environ | {"CRM_EXPORT_STATE": str(state)} | asked | more


@contextlib.contextmanager
def fresh_state() -> Generator[Path]:
    """Yield a folder for the state of a stack and delete it; none of its processes may run at the end of the block."""
    with tempfile.TemporaryDirectory(prefix="crm-state-", dir="/var/tmp") as folder:
        state = Path(folder) / "state"
        try:
            yield state
            assert find_processes(state) == []
        finally:
            delete_everything(Place(state))


def start_run(state: Path, command: tuple[str, ...] = RUN, **more: str) -> subprocess.Popen[str]:
    """Start a run as a session leader, as a shell in a terminal does."""
    return subprocess.Popen(
        command, cwd=ROOT, env=environment_of(state, **more), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, start_new_session=True, preexec_fn=heed_signals,
    )  # fmt: skip


def read_until(run: subprocess.Popen[str], text: str) -> str:
    """Return the output of a run up to a text."""
    assert run.stdout is not None
    printed = ""
    while text not in printed:
        line = run.stdout.readline()
        assert line, f"it ended before it printed {text!r}: {printed}"
        printed += line
    return printed


def heed_signals() -> None:
    """Restore the signals that a suite in the background of a shell ignores."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def find_processes(state: Path) -> list[str]:
    """Return the command lines of every process of a stack, whatever its name."""
    database = str(Place(state).postgres)
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            command = process.cmdline()
            mine = _read_environment(process).get("CRM_EXPORT_STATE") == str(state)
            if (mine or any(database in word for word in command)) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(command))
    return found


def _read_environment(process: psutil.Process) -> Mapping[str, str]:
    with contextlib.suppress(psutil.Error):
        return process.environ()
    return {}


def are_free(ports: Ports) -> bool:
    """Return whether nothing listens on any of the ports."""
    return all(is_free(port) for port in asdict(ports).values())


def wait_for(what: str, check: Callable[[], Any], seconds: float = 300) -> Any:
    """Return the result of `check` as soon as it has one; `what` names what did not happen in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = check()
        if found:
            return found
        time.sleep(1)
    raise AssertionError(f"{what} did not happen within {seconds} s")

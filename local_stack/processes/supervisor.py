"""Keeps processes running: restarts those that exit, and gives up on those that never worked or keep exiting."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from local_stack.processes.components import Component

LAST_LINES = 4
PROVEN_SECONDS = 20.0  # a component that exits sooner after its first start is misconfigured
RESTART_DELAY_SECONDS = 2.0  # Postgres needs a moment to recover from a crash
MAX_ENDS, ENDS_WITHIN_SECONDS = 8, 300.0


class GaveUpError(Exception):
    """A component does not work; the message has the end of its log."""


@dataclass
class _Kept:
    component: Component
    process: subprocess.Popen[bytes]
    first_started_at: float
    ends: list[float] = field(default_factory=list)  # moments
    due_at: float | None = None  # when it is restarted


@dataclass
class Supervisor:
    """The components to keep running, each with a log of its name in the folder `logs`."""

    logs: Path
    _kept: list[_Kept] = field(default_factory=list)

    def run_once(self, component: Component) -> None:
        """Run a component to its end; raises GaveUpError when it fails."""
        process = self._start(component)
        if process.wait():
            raise GaveUpError(self._describe(component, process))

    def keep(self, components: Sequence[Component]) -> None:
        """Start components and keep them running from now on."""
        now = time.monotonic()
        self._kept += [_Kept(component, self._start(component), now) for component in components]

    def look(self) -> None:
        """Restart what has exited; raises GaveUpError for what does not work."""
        now = time.monotonic()
        for kept in self._kept:
            if kept.due_at is None and kept.process.poll() is not None:
                self._note_end(kept, now)
            elif kept.due_at is not None and now >= kept.due_at:
                kept.process, kept.due_at = self._start(kept.component), None

    def _note_end(self, kept: _Kept, now: float) -> None:
        kept.ends = [moment for moment in kept.ends if now - moment < ENDS_WITHIN_SECONDS] + [now]
        if now - kept.first_started_at < PROVEN_SECONDS or len(kept.ends) >= MAX_ENDS:
            raise GaveUpError(self._describe(kept.component, kept.process))
        kept.due_at = now + RESTART_DELAY_SECONDS
        print(
            f"Airflow's {kept.component.name} ended with status {kept.process.returncode} and is restarted.",
            flush=True,
        )

    def _start(self, component: Component) -> subprocess.Popen[bytes]:
        with self._log(component).open("ab") as log:
            return subprocess.Popen(
                component.command, env=os.environ | component.environment, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT,
            )  # fmt: skip

    def _describe(self, component: Component, process: subprocess.Popen[bytes]) -> str:
        log = self._log(component)
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
        said = f"Airflow's {component.name} ended with status {process.returncode}. Its log is {log}; the end of it:"
        return os.linesep.join([said, *lines[-LAST_LINES:]])

    def _log(self, component: Component) -> Path:
        return self.logs / f"airflow-{component.name}.log"

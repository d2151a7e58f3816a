"""The processes of a stack: registered with a guardian at once, watched, and stopped together."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

from local_stack.ports import StackError

STOP_SECONDS = 45.0  # more than the guardian needs
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LOG_LINES = 5


@dataclass
class Interruption:
    """Turns the first signal that ends a program into KeyboardInterrupt; later ones are ignored.

    It is never raised between the start of a process and its registration.
    """

    _depth: int = 0
    _pending: bool = False
    _raised: bool = False

    def listen(self) -> None:
        """Handle the signals, except those that are ignored on purpose (nohup, a shell's background)."""
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._handle)

    def ignore(self) -> None:
        """Ignore the signals from now on: everything is stopped, and Python should exit undisturbed."""
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    @contextlib.contextmanager
    def deferred(self) -> Generator[None]:
        """Defer signals to the end of the block."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
        if self._pending and not self._depth:
            self._interrupt()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._depth:
            self._pending = True
        else:
            self._interrupt()

    def _interrupt(self) -> None:
        if not self._raised:
            self._raised = True
            raise KeyboardInterrupt


interruption = Interruption()


@contextlib.contextmanager
def ignored_signals() -> Generator[None]:
    """Let nothing interrupt the block: even after a second Ctrl-C everything is stopped."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass
class Child:
    """A process that must run as long as the stack; `log` is its log file."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path


@dataclass
class Children:
    """The processes of a stack. `note` is deleted once all are stopped, and `lock` is held until then."""

    note: Path
    lock: IO[str]
    _watched: list[Child] = field(default_factory=list)
    _guardian: subprocess.Popen[bytes] | None = None

    def open(self) -> None:
        """Start the guardian."""
        with interruption.deferred():
            self._guardian = subprocess.Popen(
                [sys.executable, "-I", "-S", str(Path(__file__).with_name("guardian.py")), str(self.note)],
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True,
                pass_fds=[self.lock.fileno()],
            )  # fmt: skip

    def start(
        self, name: str, log: Path, launch: Callable[[], subprocess.Popen[bytes]], *, database: bool = False
    ) -> subprocess.Popen[bytes]:
        """Start a process in a session of its own and watch it; a database is stopped last."""
        with interruption.deferred():
            process = launch()
            self._register(Child(name, process, log), database=database)
        return process

    def _register(self, child: Child, *, database: bool) -> None:
        assert self._guardian is not None  # noqa: S101 - open() came before
        assert self._guardian.stdin is not None  # noqa: S101 - a pipe
        how = "SIGINT" if database else "SIGTERM"
        self._guardian.stdin.write(f"{how} {child.process.pid}\n".encode())
        self._guardian.stdin.flush()
        self._watched.append(child)

    def check(self) -> None:
        """Raise StackError when one of them has ended, with the end of its log and what to do."""
        for child in self._watched:
            if child.process.poll() is not None:
                raise StackError(
                    f"{child.name} has ended ({describe_end(child.process.returncode)}), so everything else is stopped."
                    f" The end of its log, {child.log}:\n{read_end(child.log)}\n"
                    "Start it again: make run. What was exported is kept; what was running is continued."
                )

    def close(self) -> None:
        """Stop everything."""
        if self._guardian is None or self._guardian.stdin is None:
            return
        with ignored_signals():
            with contextlib.suppress(BrokenPipeError):
                self._guardian.stdin.close()
            deadline = time.monotonic() + STOP_SECONDS
            while self._guardian.poll() is None and time.monotonic() < deadline:
                for child in self._watched:
                    child.process.poll()  # a zombie would keep its group alive
                time.sleep(0.05)
            for child in self._watched:
                child.process.poll()


def describe_end(status: int) -> str:
    """Return how a process ended, for people."""
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"


def read_end(log: Path) -> str:
    """Return the last lines of a log, each indented."""
    with contextlib.suppress(OSError):
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
        return "\n".join(f"  {line[:300]}" for line in lines[-_LOG_LINES:]) or "  (nothing)"
    return "  (nothing)"

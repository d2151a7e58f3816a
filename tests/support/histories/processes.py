"""A process of a history: the product's code in a greenlet that parks before and after each external effect.

The caller that resumes it chooses what happens: it continues, it is killed, its connection breaks, Salesforce cannot be
reached, the answer is lost. One thread runs everything, so a history is deterministic.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from greenlet import getcurrent, greenlet

from include.export.failures import RunFailure

GO, KILL, DISCONNECT, REJECT, BUSY, LOSE, SHORTEN = "go", "kill", "disconnect", "reject", "busy", "lose", "shorten"


class Killed(BaseException):
    """The process was killed with SIGKILL: none of its code runs after that."""


class Point(NamedTuple):
    """The point where a process is parked: statement, done, begin, commit, committed, call, answer, sleep or lock."""

    kind: str
    what: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.what}".strip()


@dataclass
class Process:
    """One run of a task. `kind` is export, child, reexport, trial or an operator's action on the page."""

    number: int
    kind: str
    pause: bool
    body: Callable[[Process], Any]
    at: Point = field(default_factory=lambda: Point("start"))
    epoch: int | None = None
    death: BaseException | None = None
    result: Any = None
    failure: RunFailure | None = None
    crash: Exception | None = None
    gate_pause: bool = False  # the setting as the gate reads it
    expected_hold: bool = False
    parent_was_free: bool = False  # for a child: at some moment no other run exported the parent
    began_at: int = 0  # number of the world's commits when its export began
    rejections: dict[int, int] = field(default_factory=dict)  # key: version, as Salesforce rejected them in this batch
    _greenlet: greenlet = field(init=False)

    def __post_init__(self) -> None:
        """Create the greenlet; it starts when it is first resumed."""
        self._greenlet = greenlet(self._run, getcurrent())

    @property
    def is_alive(self) -> bool:
        """Return whether it has not ended."""
        return not self._greenlet.dead

    def resume(self, outcome: str) -> None:
        """Let it continue to its next point, or to its end."""
        if outcome == KILL and self.at.kind == "start":
            self.death = Killed()
        self._greenlet.switch(outcome)

    def park(self, kind: str, what: str = "") -> str:
        """Park at a point; returns the outcome that the caller of `resume` chose. Called inside the process."""
        self.raise_if_dead()
        self.at = Point(kind, what)
        outcome = self._greenlet.parent.switch()
        if outcome == KILL:
            self.death = Killed()
            raise self.death
        return str(outcome)

    def raise_if_dead(self) -> None:
        """Raise the exception that ended the process, wherever its code still attempts an external effect."""
        if self.death:
            raise self.death

    def _run(self, _: str) -> None:
        try:
            self.result = self.body(self)
        except RunFailure as failure:
            self.failure = failure
        except Killed:
            pass
        except Exception as crash:  # noqa: BLE001 - whatever it is, the history reports it
            self.crash = crash
        self.at = Point("end")

"""The lines of a check: what was checked, the result, and what to do."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from include.export.failures import RunFailure


class Level(StrEnum):
    """The result of a check: in order, worth a look, or a problem that stops an export or causes rejections."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class CheckLine:
    """One line; `subject` is a stream, a connection or a file, `check` what was looked at."""

    level: Level
    subject: str
    check: str
    message: str


@dataclass
class Checklist:
    """Collects the lines about one subject."""

    subject: str
    lines: list[CheckLine] = field(default_factory=list)

    def ok(self, check: str, message: str) -> None:
        """Add a line about something that is in order."""
        self._add(Level.OK, check, message)

    def warn(self, check: str, message: str) -> None:
        """Add a line about a problem that does not stop an export."""
        self._add(Level.WARN, check, message)

    def fail(self, check: str, message: str) -> None:
        """Add a line about a problem that stops an export, or causes rejections."""
        self._add(Level.FAIL, check, message)

    @contextmanager
    def judge(self, check: str) -> Generator[None]:
        """Turn a RunFailure into a line and continue after the block."""
        try:
            yield
        except RunFailure as failure:
            self.fail(check, str(failure))

    def _add(self, level: Level, check: str, message: str) -> None:
        text = " ".join(message.removeprefix(f"Stream {self.subject}: ").split())
        line = CheckLine(level, self.subject, check, text)
        if line not in self.lines:
            self.lines.append(line)

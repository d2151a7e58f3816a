"""Which rows of a window go into its jobs, and which go another way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from include.export.positions import Window
from include.export.run import RunContext
from include.export.source import CsvForm


@dataclass(frozen=True)
class WindowPlan:
    """A window and which of its rows go into its jobs; the others are special and go by Collections."""

    window: Window
    form: CsvForm
    decided: bool
    scan_texts: bool
    folds: tuple[str, ...]

    @property
    def special(self) -> sql.Composed:
        """Return the condition of rows that no job carries."""
        return self.form.special(decided=self.decided, scan_texts=self.scan_texts, folds=bool(self.folds))

    def values(self, stream: str) -> dict[str, object]:
        """Return the values of the condition."""
        return {"stream": stream, "folds": list(self.folds)}


def plan_window(run: RunContext, window: Window, *, scan_texts: bool, folds: Sequence[str] = ()) -> WindowPlan:
    """Return which rows of a window its jobs carry; `scan_texts` looks into every text first.

    `folds` are external ids, in lower case, that Salesforce would take for one: their rows are refused.
    """
    decided = run.errors.has_decisions(run.stream.name)
    return WindowPlan(window, CsvForm(run.form), decided, scan_texts, tuple(folds))

"""The rows that a job has sent, and how its answers are matched to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from psycopg import sql

from include.export.batch import Batch
from include.export.bulk.results.result_tables import JobResults
from include.export.ledger import JobBatch
from include.export.positions import Position, Window
from include.export.run import RunContext, plan_page
from include.export.source import SourceWindows


class CarriedRows(Protocol):
    """Matches answers to rows; `kept` says in a message why a row without an answer is not lost."""

    @property
    def kept(self) -> str:
        """Return the words of the message."""

    def place(self, results: JobResults) -> int:
        """Find the source rows of the rejected records; returns how many have none."""

    def plan_again(self, external_ids: Sequence[str]) -> Batch | None:
        """Plan the rows of external ids as a batch of a small request, None when they all have changed."""

    def find_unanswered(self, results: JobResults) -> Position | None:
        """Return the first row that has no answer."""

    def find_rejected_before(self) -> Position | None:
        """Return the first rejected row of the window's jobs that were settled before this one."""


@dataclass(frozen=True)
class WindowRows:
    """The rows of a window's job."""

    run: RunContext
    batch: JobBatch
    window: Window
    kept: str = "the watermark is before the first of them"

    def place(self, results: JobResults) -> int:
        """Find the source rows of the rejected records; returns how many have none."""
        return results.place(self.window, self._part, self.run.form.payload, self.batch.id)

    def plan_again(self, external_ids: Sequence[str]) -> Batch | None:
        """Plan the rows of external ids as a batch of a small request, None when they all have changed."""
        run = self.run
        is_same = run.form.identity.same(sql.SQL("given.external_id"))
        page = run.source.compose_window("source/page_ids", self.window, part=self._part, is_same=is_same)
        values = {"external_ids": list(external_ids), "batch": self.batch.id, **self.window.as_values()}
        return plan_page(run, page, **values)

    def find_unanswered(self, results: JobResults) -> Position | None:
        """Return the first row that has no answer."""
        return results.find_unanswered(self.window, self._part, self.batch.id)

    def find_rejected_before(self) -> Position | None:
        """Return the first rejected row of the window's jobs that were settled before this one."""
        batch, windows = self.batch, SourceWindows(self.run.source)
        found = windows.find_stop(self.window, self.run.stream.name, batch.planned_at) if batch.parts > 1 else None
        place = found[1] if found else None
        return windows.find_unrecorded(replace(self.window, end=place or self.window.end), batch.window_id) or place

    @property
    def _part(self) -> sql.Composed:
        """Return the condition that a row of the window belongs to the job's part."""
        return SourceWindows(self.run.source).part_of(self.batch.parts, self.batch.part)

"""The rows of the next window, and which of them its jobs send."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import psycopg
from psycopg import sql

from include.export.bulk.quota import BulkCredits
from include.export.bulk.window_sizer import WindowSizer
from include.export.positions import Position, Window
from include.export.record_sql import CsvForm
from include.export.run import RunContext
from include.export.salesforce import find_bulk_obstacle
from include.export.source import SourceChecks, SourceWindows


class _Search(NamedTuple):
    """A search for the window of the next `rows` rows after a position; it found a window and its number of rows."""

    after: Position | None
    rows: int
    found: tuple[Window, int] | None


@dataclass(frozen=True)
class WindowPlan:
    """A window and which of its rows its jobs send; the others need Collections."""

    window: Window
    form: CsvForm
    decided: bool
    scan_texts: bool
    colliding_ids: tuple[str, ...]

    @property
    def needs_collections(self) -> sql.Composed:
        """Return the condition that a row is left out of the jobs."""
        colliding = bool(self.colliding_ids)
        return self.form.needs_collections(decided=self.decided, scan_texts=self.scan_texts, colliding=colliding)

    def values(self, stream: str) -> dict[str, object]:
        """Return the values of the condition."""
        return {"stream": stream, "colliding_ids": list(self.colliding_ids)}


def plan_window(run: RunContext, window: Window, *, scan_texts: bool, colliding_ids: Sequence[str] = ()) -> WindowPlan:
    """Return which rows of a window its jobs send; `scan_texts` searches every text for what CSV cannot represent.

    `colliding_ids` are external ids, in lower case, that Salesforce would match to one record: their rows are rejected.
    """
    decided = run.errors.has_decisions(run.stream.name)
    return WindowPlan(window, CsvForm(run.form), decided, scan_texts, tuple(colliding_ids))


def keep_job_rows(run: RunContext, rows: int | None) -> None:
    """Store the size with which the next run begins its jobs, None for the smallest; in the caller's transaction."""
    run.lease.keep_job_rows(rows)
    run.state = replace(run.state, job_rows=rows)


class UploadStopped(Exception):  # noqa: N818 - named by how the upload continues
    """An upload stopped itself: it grew too large, or has rows that CSV cannot represent or with colliding ids."""

    def __init__(self, *, row_bytes: float | None = None, colliding_ids: Sequence[str] = ()) -> None:
        super().__init__("the window is planned again")
        self.row_bytes, self.colliding_ids = row_bytes, tuple(colliding_ids)


@dataclass
class WindowPlanner:
    """Finds and plans the windows of one run, and learns from uploads that stopped themselves.

    Rows up to the position `small_until` are sent in small requests: Postgres could not read one of them for a job, or
    ended the reading of the smallest window by a timeout.
    """

    run: RunContext
    horizon: str
    sizer: WindowSizer
    scan_texts: bool = field(default=False, init=False)
    small_until: Position | None = field(default=None, init=False)
    _ahead: _Search = field(default=_Search(None, 0, None), init=False)

    @cached_property
    def credits(self) -> BulkCredits:
        """Return the Bulk batches that the org has left today."""
        return BulkCredits(self.run)

    @property
    def allows_jobs(self) -> bool:
        """Return whether the next rows after the watermark may be sent in jobs at all."""
        stream = self.run.stream
        if stream.bulk_from is None or find_bulk_obstacle(stream) or not CsvForm(self.run.form).is_possible:
            return False
        return self._is_large and not self._is_small()

    @cached_property
    def _is_large(self) -> bool:
        """Return whether jobs are worth it: with the setting on only for a large backlog, as a job is not atomic."""
        run, least = self.run, self.run.stream.bulk_from_paused
        if not run.options.pause_on_export_errors:
            return True
        if run.stream.exact_stop or least is None:
            return False
        return run.source.count_waiting(run.state.watermark, self.horizon, limit=least) >= least

    def find_behind(self, position: Position | None) -> tuple[Window, int] | None:
        """Return the window after a position, None when it is too small for a job or the org's limits allow none."""
        is_known = (self._ahead.after, self._ahead.rows) == (position, self.sizer.rows)
        found = self._ahead.found if is_known else self._search(position).found
        if found is None or found[1] < self.sizer.smallest:
            return None
        return found if self.credits.take(found[1], self.sizer.parts(found[1])) else None

    def look_ahead(self, position: Position | None) -> None:
        """Find the window after a position before it is asked for, because the run has to wait for an upload anyway.

        An error of Postgres is raised when the window is asked for.
        """
        with suppress(psycopg.DataError, psycopg.errors.QueryCanceled):
            self._ahead = self._search(position)

    def plan_window(self, window: Window, colliding_ids: Sequence[str] = ()) -> WindowPlan:
        """Return which rows of a window its jobs send."""
        return plan_window(self.run, window, scan_texts=self.scan_texts, colliding_ids=colliding_ids)

    def learn(self, stopped: UploadStopped, window: Window, rows: int) -> tuple[Window, int]:
        """Return the window to export after an upload stopped itself, and its number of rows."""
        if stopped.row_bytes is None:
            self.scan_texts = self.scan_texts or not stopped.colliding_ids
            return window, rows
        self.sizer.shrink(rows, stopped.row_bytes)
        if (self.run.state.job_rows or 0) > self.sizer.rows:
            with self.run.lease.transaction():
                keep_job_rows(self.run, self.sizer.rows)
        found = SourceWindows(self.run.source).find_next(self.run.state.watermark, self.horizon, self.sizer.rows)
        return found or (window, rows)

    def reduce(self, window: Window, rows: int) -> None:
        """Use smaller windows when Postgres cannot read a row; if the smallest fails, small requests find that row."""
        if not self.sizer.reduce(rows):
            self.small_until = window.end

    def _search(self, position: Position | None) -> _Search:
        rows = self.sizer.rows
        return _Search(position, rows, SourceWindows(self.run.source).find_next(position, self.horizon, rows))

    def _is_small(self) -> bool:
        watermark = self.run.state.watermark
        return self.small_until is not None and (
            watermark is None or SourceChecks(self.run.source).is_beyond(self.small_until, watermark)
        )

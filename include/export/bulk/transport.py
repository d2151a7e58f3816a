"""The Bulk transport: windows of changed rows go to Salesforce as jobs of Bulk API 2.0, settled by the same ledger."""

from __future__ import annotations

import logging
import math
from contextlib import suppress
from dataclasses import InitVar, dataclass, field
from functools import cached_property

import psycopg

from include.export.bulk.jobs import WindowJobs
from include.export.bulk.prefetch import UploadAhead
from include.export.bulk.progress import Progress
from include.export.bulk.quota import BulkCredits
from include.export.bulk.settlement import settle_window
from include.export.bulk.upload import UploadStopped
from include.export.bulk.window_plan import WindowPlan, plan_window
from include.export.failures import RunFailure
from include.export.ledger import JobBatch
from include.export.options import JOB_GROWTH
from include.export.positions import Position, Window
from include.export.run import RunContext
from include.export.salesforce import IngestJobs, Unanswered, find_bulk_obstacle
from include.export.source import CsvForm, SourceChecks, SourceWindows
from include.export.streams import Stream

log = logging.getLogger(__name__)
TRIES = 3  # of an upload that breaks
COUNTED = 10_000_001  # changed rows that are counted to tell the progress


@dataclass
class BulkTransport:
    """The Bulk jobs of one run, after small requests whose rows took `json_bytes` each.

    `rows` is how many the next window takes, `row_bytes` what a row was seen to take, `ahead` the jobs whose rows are
    on their way. A context manager: what is on its way at the end is given up.
    """

    run: RunContext
    horizon: str
    json_bytes: InitVar[float]
    row_bytes: float = field(init=False)
    rows: int = field(init=False)
    scan_texts: bool = field(default=False, init=False)
    small_until: Position | None = field(default=None, init=False)
    ahead: list[UploadAhead] = field(default_factory=list, init=False)

    def __post_init__(self, json_bytes: float) -> None:
        """Begin small while the setting is on: what stands behind a refused record may reach Salesforce."""
        self.row_bytes = CsvForm(self.run.form).measure_row(json_bytes)
        self.rows = (self._stream.bulk_from or 1) if self.run.options.pause_on_export_errors else self._most_rows()

    def __enter__(self) -> BulkTransport:
        """Return the transport."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Give up what is on its way; after a failure its jobs are left to the next run, as those of a kill are."""
        for upload in self.ahead:
            upload.give_up()
        if kind is None:
            with suppress(RunFailure):  # a job that cannot be aborted now stays Open, and the next run does it
                self._give_up()
        elif issubclass(kind, Exception):
            self._join(self.ahead)

    def find_window(self) -> tuple[Window, int] | None:
        """Return the next window and its number of rows, None when the rows that are left go in small requests."""
        run, least = self.run, self._stream.bulk_from
        if self.ahead and self.ahead[0].plan.window.start == run.state.watermark:
            return self.ahead[0].plan.window, self.ahead[0].batch.row_count
        self._give_up()
        exact = self._stream.exact_stop and run.options.pause_on_export_errors
        if least is None or exact or find_bulk_obstacle(self._stream) or not CsvForm(run.form).is_possible:
            return None
        return None if self._is_small() else self._find_behind(run.state.watermark)

    def send(self, window: Window, rows: int) -> bool:
        """Send the rows of a window and settle them; returns whether the stream is stopped at a refused record.

        Raises RunFailure, and JobPending when Salesforce takes longer than the run may wait.
        """
        try:
            return self._send_ahead(window, rows) if self._goes_ahead(rows) else self._send(window, rows)
        except psycopg.DataError:
            self._go_smaller(window, rows)
            return False

    def _send_ahead(self, window: Window, rows: int) -> bool:
        """Settle a window while the rows of the next one are on their way; sent as ever where that breaks."""
        self.ahead = self.ahead or [self._begin(window, rows)]
        self._begin_next()
        first = self.ahead[0]
        try:
            first.wait(self.run.client, lambda done: self.jobs.keep(first.batch, done))
        except (UploadStopped, RunFailure, psycopg.Error) as broken:
            log.info("Stream %s: job %s is given up (%s)", self._stream.name, first.batch.job_id, type(broken).__name__)
            self._give_up()
            return self._send(window, rows, broken if isinstance(broken, UploadStopped) else None)
        job = self.jobs.close(first.batch, first.body)
        self.row_bytes = first.body.row_bytes
        del self.ahead[0]
        return settle_window(self.run, [job], first.plan, self.jobs.progress)

    def _begin(self, window: Window, rows: int) -> UploadAhead:
        """Open the job of a window and let its rows go out."""
        run, plan = self.run, plan_window(self.run, window, scan_texts=self.scan_texts)
        [batch] = self.jobs.plan(window, rows, parts=1)
        try:
            opened = self.jobs.open(batch)
        except RunFailure:
            self.jobs.abandon([batch])
            raise
        upload = UploadAhead(plan, opened, IngestJobs(self._stream, run.client.beside()))
        tell = upload.check if run.options.upload_beside else lambda sent: self.jobs.keep(opened, sent)
        upload.start(self.jobs.compose(opened, plan, tell), beside=run.options.upload_beside)
        self.rows = self._grow()
        return upload

    def _begin_next(self) -> None:
        while len(self.ahead) < self.run.options.uploads_ahead and self._goes_ahead(self.rows):
            found = self._find_behind(self.ahead[-1].plan.window.end)
            if found is None:
                return
            self.ahead.append(self._begin(*found))

    def _goes_ahead(self, rows: int) -> bool:
        """Tell whether more than one window may be on its way: not where a run ends while a job is at work."""
        options = self.run.options
        return options.uploads_ahead > 1 and options.job_patience is None and self._parts(rows) == 1

    def _give_up(self) -> None:
        given_up, self.ahead = self.ahead, []
        for upload in given_up:
            upload.give_up()
        self._join(given_up)
        if given_up:
            self.jobs.abandon([upload.batch for upload in given_up])

    def _join(self, given_up: list[UploadAhead]) -> None:
        for upload in given_up:
            upload.join(self.run.client)

    def _find_behind(self, place: Position | None) -> tuple[Window, int] | None:
        """Return the window behind a position, None when it is too small for a job or the org takes none."""
        found = self._windows.find_next(place, self.horizon, self.rows)
        enough = found is not None and found[1] >= (self._stream.bulk_from or 1)
        return found if found and enough and self.credits.take(found[1], self._parts(found[1])) else None

    def _send(self, window: Window, rows: int, stopped: UploadStopped | None = None) -> bool:
        folds: tuple[str, ...] = ()
        if stopped:
            window, rows, folds = self._learn(stopped, window, rows)
        for tries in range(1, TRIES + 1):
            batches: list[JobBatch] = []
            try:
                plan = plan_window(self.run, window, scan_texts=self.scan_texts, folds=folds)
                batches = self.jobs.plan(window, rows, self._parts(rows))
                sent = [self._start(batch, plan) for batch in batches]
            except UploadStopped as again:
                self.jobs.abandon(batches)
                window, rows, found = self._learn(again, window, rows)
                folds += found
            except (Unanswered, psycopg.DataError) as broken:
                self.jobs.abandon(batches)
                if tries == TRIES or isinstance(broken, psycopg.DataError):
                    raise
            else:
                held = settle_window(self.run, sent, plan, self.jobs.progress)
                self.rows = self._grow()
                return held
        raise RunFailure(f"Stream {self._stream.name}: its rows could not be divided into Bulk jobs that fit.")

    def _start(self, batch: JobBatch, plan: WindowPlan) -> JobBatch:
        sent, self.row_bytes = self.jobs.send(batch, plan)
        return sent

    @cached_property
    def jobs(self) -> WindowJobs:
        """Return the jobs of the run; they tell their progress in the log."""

        def count() -> int:
            return self.run.source.count_waiting(self.run.state.watermark, self.horizon, limit=COUNTED)

        return WindowJobs(self.run, Progress(self._stream.name, count, COUNTED))

    def _parts(self, rows: int) -> int:
        return math.ceil(rows / self._rows_of_a_job()) if self._divides else 1

    def _go_smaller(self, window: Window, rows: int) -> None:
        """Divide a window with a row that Postgres cannot read; small requests find that row and go on behind it."""
        least = self._stream.bulk_from or 1
        if rows > least:
            self.rows = max(rows // JOB_GROWTH, least)
        else:
            self.small_until = window.end

    def _is_small(self) -> bool:
        watermark = self.run.state.watermark
        return self.small_until is not None and (
            watermark is None or SourceChecks(self.run.source).is_beyond(self.small_until, watermark)
        )

    def _learn(self, stopped: UploadStopped, window: Window, rows: int) -> tuple[Window, int, tuple[str, ...]]:
        """Return the window to send after an upload that stopped itself, its rows, and the ids that it leaves out."""
        if stopped.row_bytes is not None:
            window, rows = self._shrink(stopped.row_bytes)
        elif not stopped.folds:
            self.scan_texts = True
        return window, rows, stopped.folds

    def _shrink(self, row_bytes: float) -> tuple[Window, int]:
        self.row_bytes = row_bytes * 1.2
        self.rows = self._most_rows()
        found = self._windows.find_next(self.run.state.watermark, self.horizon, self.rows)
        assert found is not None  # ruff: ignore[assert] - rows below the horizon do not go before they are sent
        return found

    @cached_property
    def credits(self) -> BulkCredits:
        """Return what the org still takes today."""
        return BulkCredits(self.run)

    def _grow(self) -> int:
        return min(self.rows * JOB_GROWTH, self._most_rows())

    def _most_rows(self) -> int:
        return self._rows_of_a_job() * (self.run.options.jobs_in_flight if self._divides else 1)

    def _rows_of_a_job(self) -> int:
        return max(int(self.run.options.job_bytes / max(self.row_bytes, 1.0)), 1)

    @property
    def _divides(self) -> bool:
        """Several jobs are in flight only where one parent's rows stay in one job, and nothing has to stop."""
        return self._stream.lock_order is not None and not self.run.options.pause_on_export_errors

    @property
    def _windows(self) -> SourceWindows:
        return SourceWindows(self.run.source)

    @property
    def _stream(self) -> Stream:
        return self.run.stream

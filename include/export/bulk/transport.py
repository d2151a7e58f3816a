"""The Bulk transport: windows of changed rows are sent as jobs of Bulk API 2.0 and settled in the same ledger."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import InitVar, dataclass, field

import psycopg

from include.export.bulk.jobs import WindowJobs
from include.export.bulk.prefetch import Prefetcher
from include.export.bulk.progress import Progress
from include.export.bulk.settlement import settle_window
from include.export.bulk.window_plan import UploadStopped, WindowPlan, WindowPlanner, keep_job_rows
from include.export.bulk.window_sizer import WindowSizer
from include.export.failures import RunFailure
from include.export.ledger import JobBatch
from include.export.positions import Window
from include.export.postgres import READ_TIMEOUTS
from include.export.record_sql import CsvForm
from include.export.run import RunContext
from include.export.salesforce import Unanswered
from include.export.streams import Stream

log = logging.getLogger(__name__)
UPLOAD_TRIES = 3  # of a window whose upload fails
COUNTED_ROWS = 10_000_001  # changed rows that are counted at most to report the progress


@dataclass
class BulkTransport:
    """The Bulk jobs of one run; `json_bytes` are the bytes per row of the small requests before them.

    A context manager: jobs that are still prefetched at the end are abandoned.
    """

    run: RunContext
    horizon: str
    json_bytes: InitVar[float]
    sizer: WindowSizer = field(init=False)
    planner: WindowPlanner = field(init=False)
    jobs: WindowJobs = field(init=False)
    prefetcher: Prefetcher = field(init=False)

    def __post_init__(self, json_bytes: float) -> None:
        """Begin small while the setting is on: rows after a rejected record may reach Salesforce."""
        self.sizer = _size_windows(self.run, CsvForm(self.run.form).measure_row(json_bytes))
        self.planner = WindowPlanner(self.run, self.horizon, self.sizer)
        self.jobs = WindowJobs(self.run, Progress(self.run.stream.name, self._count, COUNTED_ROWS))
        self.prefetcher = Prefetcher(self.run, self.jobs, self.planner)
        if self.prefetcher.allows(self.sizer.rows):
            self.sizer.halve()

    def __enter__(self) -> BulkTransport:
        """Return the transport."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Abandon prefetched jobs; after a failure they are left to the next run, like the jobs of a killed run."""
        if kind is not None:
            self.prefetcher.stop(join=issubclass(kind, Exception))
            return
        with suppress(RunFailure):  # a job that cannot be aborted now stays Open, and the next run aborts it
            self.prefetcher.abandon()

    def find_window(self) -> tuple[Window, int] | None:
        """Return the next window and its number of rows, None when the next rows are sent in small requests."""
        found = self.prefetcher.find_window()
        if found or not self.planner.allows_jobs:
            return found
        return self.planner.find_behind(self.run.state.watermark)

    def export_window(self, window: Window, rows: int) -> bool:
        """Send the rows of a window and settle them; returns whether the stream is stopped at a rejected record.

        Raises RunFailure, and JobPending when Salesforce takes longer than the run may wait.
        """
        try:
            return self._export_prefetched(window, rows) if self.prefetcher.allows(rows) else self._export(window, rows)
        except psycopg.DataError:
            self.planner.reduce(window, rows)
        except psycopg.Error as error:
            if error.sqlstate not in READ_TIMEOUTS:
                raise
            self._cap(window, rows)
        return False

    def _export_prefetched(self, window: Window, rows: int) -> bool:
        """Settle a window while the next one is uploaded; if its own upload fails, it is exported alone."""
        first = self.prefetcher.take(window, rows)
        try:
            self.prefetcher.keep_waiting(first)
        except (UploadStopped, RunFailure, psycopg.Error) as broken:
            log.info(
                "Stream %s: job %s is given up (%s)", self.run.stream.name, first.batch.job_id, type(broken).__name__
            )
            self.prefetcher.abandon()
            return self._export(window, rows, broken if isinstance(broken, UploadStopped) else None)
        job = self.jobs.close_job(first.batch, first.body)
        self.sizer.measure(first.body.row_bytes)
        self.prefetcher.go_on()
        return self._settle([job], first.plan, grows=False)  # it has grown when the upload began

    def _export(self, window: Window, rows: int, stopped: UploadStopped | None = None) -> bool:
        """Upload and settle a window; after an upload that was too large a smaller one, with tries of its own."""
        colliding_ids: tuple[str, ...] = ()
        tries_left = UPLOAD_TRIES
        if stopped:
            window, rows, colliding_ids = self._learn(stopped, window, rows, colliding_ids)
        while tries_left:
            tries_left -= 1
            plan = self.planner.plan_window(window, colliding_ids)
            batches = self.jobs.plan_jobs(window, rows, self.sizer.parts(rows))
            try:
                sent = self._upload(batches, plan)
            except UploadStopped as again:
                tried = rows
                window, rows, colliding_ids = self._learn(again, window, rows, colliding_ids)
                tries_left = UPLOAD_TRIES if rows < tried else tries_left
            except Unanswered:
                if not tries_left:
                    raise
            else:
                return self._settle(sent, plan, grows=True)
        raise _explain_misfit(self.run.stream, rows)

    def _learn(
        self, stopped: UploadStopped, window: Window, rows: int, colliding_ids: tuple[str, ...]
    ) -> tuple[Window, int, tuple[str, ...]]:
        """Return the window to export after an upload stopped itself, its number of rows, and its colliding ids."""
        tried = rows
        window, rows = self.planner.learn(stopped, window, rows)
        if rows < tried:
            log.warning(
                "Stream %s: a job of a window of %d rows grew too large; windows of at most %d rows are used.",
                self.run.stream.name, tried, rows,
            )  # fmt: skip
        return window, rows, colliding_ids + stopped.colliding_ids

    def _upload(self, batches: list[JobBatch], plan: WindowPlan) -> list[JobBatch]:
        """Upload the jobs of a window, and note the bytes per row of the part with the largest rows."""
        try:
            uploads = [self.jobs.upload(batch, plan) for batch in batches]
        except (UploadStopped, Unanswered):
            self.jobs.abandon(batches)
            raise
        except psycopg.Error:
            with suppress(psycopg.Error):  # the run's own connection may be lost too; then the next run abandons them
                self.jobs.abandon(batches)
            raise
        self.sizer.measure(*[row_bytes for _, row_bytes in uploads])
        return [batch for batch, _ in uploads]

    def _settle(self, sent: list[JobBatch], plan: WindowPlan, *, grows: bool) -> bool:
        """Settle the jobs of a window; the next one is larger if all of its rows are acknowledged.

        If not, the next one begins at a rejected row: with the setting on, it is small.
        """
        held = settle_window(self.run, sent, plan, self.jobs.progress)
        acknowledged = self.run.state.watermark == plan.window.end
        if acknowledged and grows:
            self.sizer.grow()
        elif not acknowledged and self.run.options.pause_on_export_errors:
            self.sizer.begin(small=True)
        return held

    def _cap(self, window: Window, rows: int) -> None:
        """Use smaller windows when the server's timeouts end long statements or transactions and cannot be changed."""
        log.warning(
            "Stream %s: a timeout of Postgres ended the reading of %d rows; smaller windows are used.",
            self.run.stream.name, rows,
        )  # fmt: skip
        if not self.sizer.cap(rows):
            self.planner.small_until = window.end
        with self.run.lease.transaction():
            keep_job_rows(self.run, self.sizer.rows)

    def _count(self) -> int:
        return self.run.source.count_waiting(self.run.state.watermark, self.horizon, limit=COUNTED_ROWS)


def _size_windows(run: RunContext, row_bytes: float) -> WindowSizer:
    """Return the sizer of a run's windows; it divides them only if `lock_order` keeps a parent's rows in one job.

    Not if a row's parent is another row of the stream: the job of a child could be processed before the parent's.
    With the setting on, windows become large enough to be divided after clean ones, of this run or of earlier runs.
    """
    options, paused = run.options, run.options.pause_on_export_errors
    divides = run.stream.lock_order is not None and not run.form.refers_to_itself
    jobs = options.jobs_in_flight if divides else None
    sizer = WindowSizer(run.stream.bulk_from or 1, options.job_bytes, jobs, row_bytes, options.part_rows)
    sizer.begin(small=paused, kept=run.state.job_rows)
    if paused and run.adopted_clean:
        sizer.grow()
    return sizer


def _explain_misfit(stream: Stream, rows: int) -> RunFailure:
    more = f", or set lock_order to a column with more values than {stream.lock_order}" if stream.lock_order else ""
    return RunFailure(
        f"Stream {stream.name}: {rows:,} rows could not be uploaded as Bulk jobs in {UPLOAD_TRIES} attempts: a job "
        "grew larger than Salesforce accepts, or the rows changed between the attempts. The watermark is still before "
        "the first of them, and the next run sends all of them again, also those that a job has saved already. If this "
        f"happens again, set bulk_from: null and bulk_from_paused: null in {stream.name}.yaml{more}."
    )

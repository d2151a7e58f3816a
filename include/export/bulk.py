"""The Bulk transport: windows of changed rows go to Salesforce as jobs of Bulk API 2.0, settled by the same ledger."""

from __future__ import annotations

import logging
import math
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property

import psycopg

from include.export.batches import JobBatch
from include.export.csv_form import CsvForm
from include.export.failures import ConfigurationFailure, RunFailure
from include.export.ingest_jobs import IngestJobs
from include.export.job_settling import settle_window
from include.export.job_upload import JobUpload, UploadStopped
from include.export.options import JOB_GROWTH
from include.export.positions import Position, Window
from include.export.progress import Progress
from include.export.salesforce import Unanswered
from include.export.source_checks import SourceChecks
from include.export.source_windows import SourceWindows
from include.export.streams import Stream
from include.export.window_plan import WindowPlan, plan_window
from include.export.workbench import Workbench

log = logging.getLogger(__name__)
TRIES = 3  # of an upload that breaks
COUNTED = 10_000_001  # changed rows that are counted to tell the progress
CALLS_OF_A_JOB = 20  # API calls that are kept ready for one job and its results
BATCHES_OF_A_DAY = 15_000  # (salesforce-wire.md section 6)
ROWS_OF_A_BATCH = 10_000  # that Salesforce makes of a job, each counted against its daily limit


@dataclass
class BulkTransport:
    """The Bulk jobs of one run. `rows` is how many the next window takes, `row_bytes` what a row was seen to take."""

    bench: Workbench
    horizon: str
    row_bytes: float
    rows: int = field(init=False)
    careful: bool = field(default=False, init=False)
    batches_left: int | None = field(default=None, init=False)
    small_until: Position | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Begin small while the setting is on: what stands behind a refused record may reach Salesforce."""
        self.rows = (self._stream.bulk_from or 1) if self.bench.options.pause_on_export_errors else self._most_rows()

    def find_window(self) -> tuple[Window, int] | None:
        """Return the next window and its number of rows, None when the rows that are left go in small requests."""
        bench, least = self.bench, self._stream.bulk_from
        exact = self._stream.exact_stop and bench.options.pause_on_export_errors
        if least is None or exact or not CsvForm(bench.form).is_possible:
            return None
        if self._is_small() or not self._windows.has_rows(bench.state.watermark, self.horizon, least):
            return None
        found = self._windows.find_next(bench.state.watermark, self.horizon, self.rows)
        return found if found and self._has_credits(found[1]) else None

    def send(self, window: Window, rows: int) -> bool:
        """Send the rows of a window and settle them; returns whether the stream is stopped at a refused record.

        Raises RunFailure, and JobPending when Salesforce takes longer than the run may wait.
        """
        try:
            return self._send(window, rows)
        except psycopg.DataError:
            self._go_smaller(window, rows)
            return False

    def _send(self, window: Window, rows: int) -> bool:
        folds: tuple[str, ...] = ()
        for tries in range(1, TRIES + 1):
            batches: list[JobBatch] = []
            try:
                plan = plan_window(self.bench, window, careful=self.careful, folds=folds)
                batches = self._write_ledger(window, rows)
                sent = [self._start(batch, plan) for batch in batches]
            except UploadStopped as stopped:
                self._abandon(batches)
                folds += stopped.folds
                if stopped.row_bytes is not None:
                    window, rows = self._shrink(stopped.row_bytes)
                elif not stopped.folds:
                    self.careful = True
            except (Unanswered, psycopg.DataError) as broken:
                self._abandon(batches)
                if tries == TRIES or isinstance(broken, psycopg.DataError):
                    raise
            else:
                held = settle_window(self.bench, sent, plan, self.progress)
                self.rows = min(self.rows * JOB_GROWTH, self._most_rows())
                return held
        raise RunFailure(f"Stream {self._stream.name}: its rows could not be divided into Bulk jobs that fit.")

    @cached_property
    def progress(self) -> Progress:
        """Return what is told of the run in the log."""

        def count() -> int:
            return self.bench.source.count_waiting(self.bench.state.watermark, self.horizon, limit=COUNTED)

        return Progress(self._stream.name, count, COUNTED)

    def _write_ledger(self, window: Window, rows: int) -> list[JobBatch]:
        values = {"stream": self._stream.name, "run": self.bench.run.id, "epoch": self.bench.lease.epoch,
                  "action": str(self._stream.operation)}  # fmt: skip
        with self.bench.lease.transaction():
            return self.bench.batches.plan_jobs(window, rows, self._parts(rows), values)

    def _parts(self, rows: int) -> int:
        return math.ceil(rows / self._rows_of_a_job()) if self._divides else 1

    def _start(self, batch: JobBatch, plan: WindowPlan) -> JobBatch:
        bench, jobs = self.bench, IngestJobs(self._stream, self.bench.client)
        known = {other.job_id for other in bench.batches.left_over(self._stream.name) if other.job_id}
        job_id = jobs.create(batch.action, batch.planned_at, known)
        with bench.lease.transaction():
            bench.batches.note_job(batch, job_id)
        rows = self._upload(jobs, replace(batch, job_id=job_id), plan)
        with bench.lease.transaction():
            bench.batches.note_upload(batch, rows)
        if rows:
            jobs.close(job_id)
        else:
            jobs.abort(job_id)  # every row of the window goes another way
        return bench.batches.read_job(batch.id)

    def _upload(self, jobs: IngestJobs, batch: JobBatch, plan: WindowPlan) -> int:
        part = self._windows.part_of(batch.parts, batch.part)
        copy = self._windows.compose_copy(
            plan.window, plan.form.columns, plan.special, part, by_parent=not self.bench.options.pause_on_export_errors
        )
        upload = JobUpload(self.bench, copy, batch, plan, part, self.progress)
        with closing(upload):
            jobs.upload(str(batch.job_id), upload.open)
        self.row_bytes = upload.size / max(upload.rows, 1)
        return upload.rows

    def _abandon(self, batches: list[JobBatch]) -> None:
        """Abort the jobs of a window that is sent again, so that nothing of them comes later."""
        jobs = IngestJobs(self._stream, self.bench.client)
        for batch in batches:
            job_id = self.bench.batches.read_job(batch.id).job_id
            if job_id:
                jobs.abort(job_id)
        with self.bench.lease.transaction():
            self.bench.batches.abandon([batch.id for batch in batches])

    def _go_smaller(self, window: Window, rows: int) -> None:
        """Divide a window with a row that Postgres cannot read; small requests find that row and go on behind it."""
        least = self._stream.bulk_from or 1
        if rows > least:
            self.rows = max(rows // JOB_GROWTH, least)
        else:
            self.small_until = window.end

    def _is_small(self) -> bool:
        watermark = self.bench.state.watermark
        return self.small_until is not None and (
            watermark is None or SourceChecks(self.bench.source).is_beyond(self.small_until, watermark)
        )

    def _shrink(self, row_bytes: float) -> tuple[Window, int]:
        self.row_bytes = row_bytes * 1.2
        self.rows = self._most_rows()
        found = self._windows.find_next(self.bench.state.watermark, self.horizon, self.rows)
        assert found is not None  # ruff: ignore[assert] - rows below the horizon do not go before they are sent
        return found

    def _has_credits(self, rows: int) -> bool:
        if self.batches_left is None:
            self.batches_left = self._read_batches_left()
        needed = math.ceil(rows / ROWS_OF_A_BATCH) + self._parts(rows)
        if needed > self.batches_left:
            log.warning("Stream %s: the org has %d Bulk batches left today, too few for this job; small requests are "
                        "used instead.", self._stream.name, self.batches_left)  # fmt: skip
            return False
        self.batches_left -= needed
        return self.bench.has_credits(calls=CALLS_OF_A_JOB * self._parts(rows))

    def _read_batches_left(self) -> int:
        """Return how many Bulk batches the org takes today; a user who may not ask finds out at the next job."""
        try:
            return int(self.bench.client.call("GET", "limits").body["DailyBulkApiBatches"]["Remaining"])
        except (ConfigurationFailure, KeyError, TypeError, ValueError) as unknown:
            log.info("The org does not tell how many Bulk batches are left (%s)", type(unknown).__name__)
            return BATCHES_OF_A_DAY

    def _most_rows(self) -> int:
        return self._rows_of_a_job() * (self.bench.options.jobs_in_flight if self._divides else 1)

    def _rows_of_a_job(self) -> int:
        return max(int(self.bench.options.job_bytes / max(self.row_bytes, 1.0)), 1)

    @property
    def _divides(self) -> bool:
        """Several jobs are in flight only where one parent's rows stay in one job, and nothing has to stop."""
        return self._stream.lock_order is not None and not self.bench.options.pause_on_export_errors

    @property
    def _windows(self) -> SourceWindows:
        return SourceWindows(self.bench.source)

    @property
    def _stream(self) -> Stream:
        return self.bench.stream

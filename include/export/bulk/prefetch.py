"""Jobs that are uploaded while the run settles the preceding ones; no job is closed before its turn."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import closing
from dataclasses import dataclass, field
from threading import Event

import psycopg

from include.export.background import start_work
from include.export.bulk.jobs import WindowJobs
from include.export.bulk.upload import JobUpload
from include.export.bulk.window_plan import WindowPlan, WindowPlanner
from include.export.failures import RunFailure
from include.export.ledger import JobBatch
from include.export.positions import Window
from include.export.run import RunContext
from include.export.salesforce import IngestJobs, SalesforceClient

log = logging.getLogger(__name__)
LOOK_SECONDS = 1.0  # between two looks at an upload that the run waits for
STOP_SECONDS = 5.0  # that the run waits for a stopped upload; its connection ends with the process at the latest


class UploadAbandoned(RunFailure):
    """An upload was stopped because its job is no longer needed."""


@dataclass
class PrefetchedJob:
    """A window's job that is Open, and the thread that uploads its rows.

    The thread must not touch the run's client or connection: it has a client and connections of its own.
    """

    plan: WindowPlan
    batch: JobBatch
    jobs: IngestJobs
    body: JobUpload = field(init=False)
    _done: Future[None] = field(init=False)
    _abandoned: Event = field(default_factory=Event, init=False)

    def start(self, body: JobUpload, *, concurrent: bool) -> None:
        """Upload the rows: in a thread, or completely before this returns."""
        self.body = body
        self._done = start_work(self._upload, threads=concurrent, name=f"upload-{self.batch.id}")

    def check(self, rows: int) -> None:
        """Raise UploadAbandoned once the upload is no longer needed; called at each block of its rows."""
        if self._abandoned.is_set():
            raise UploadAbandoned(f"The upload was abandoned after {rows:,} rows.")

    def wait(self, client: SalesforceClient, meanwhile: Callable[[int], None]) -> None:
        """Wait until Salesforce has the rows; `meanwhile` is called every second with the number sent so far.

        Raises the failure of the upload. Its calls and bytes are added to those of the run's own client.
        """
        while not wait([self._done], LOOK_SECONDS).done:
            meanwhile(self.body.rows)
        client.take_counts_of(self.jobs.client)
        self._done.result()

    def abandon(self) -> None:
        """Stop the upload; the rows already sent are discarded."""
        self._abandoned.set()

    def join(self, client: SalesforceClient) -> None:
        """Wait for an abandoned upload to end."""
        wait([self._done], STOP_SECONDS)
        client.take_counts_of(self.jobs.client)

    def _upload(self) -> None:
        with closing(self.body):
            self.jobs.upload(str(self.batch.job_id), self.body.open)


@dataclass
class Prefetcher:
    """The jobs of a run that are uploaded before their turn, in the order of their windows."""

    run: RunContext
    jobs: WindowJobs
    planner: WindowPlanner
    queue: list[PrefetchedJob] = field(default_factory=list, init=False)

    def find_window(self) -> tuple[Window, int] | None:
        """Return the first window and its number of rows; if it does not begin at the watermark, all are abandoned."""
        if self.queue and self.queue[0].plan.window.start == self.run.state.watermark:
            return self.queue[0].plan.window, self.queue[0].batch.row_count
        self.abandon()
        return None

    def allows(self, rows: int) -> bool:
        """Return whether more than one window may be in flight.

        Not in a run that continues after a deferred job: it will defer again, and prefetched rows would be uploaded
        twice.
        """
        options = self.run.options
        enough = options.prefetched_jobs > 1 and self.run.readers.has_spare
        ends_early = options.job_patience is not None and self.run.adopted_jobs > 0
        return enough and not ends_early and self.planner.sizer.parts(rows) == 1

    def take(self, window: Window, rows: int) -> PrefetchedJob:
        """Return the job of a window, whose upload has begun, after starting the uploads of the following windows."""
        self.queue = self.queue or [self._begin(window, rows)]
        self._begin_next()
        return self.queue[0]

    def go_on(self) -> None:
        """Begin the next upload while a closed job is settled; if that fails, it is repeated in its turn.

        Not before the run has settled a window, if it may defer: it would abandon more uploads.
        """
        if not self.queue or (self.run.options.job_patience is not None and not self.jobs.progress.settled):
            return
        try:
            self._begin_next()
        except (RunFailure, psycopg.DataError, psycopg.errors.QueryCanceled) as failure:
            log.info("Stream %s: the next upload begins later (%s)", self.run.stream.name, type(failure).__name__)

    def keep_waiting(self, job: PrefetchedJob) -> None:
        """Wait until Salesforce has a job's rows and remove it from the queue; raises the failure of its upload."""
        if len(self.queue) == self.run.options.prefetched_jobs:
            self.planner.look_ahead(self.queue[-1].plan.window.end)
        job.wait(self.run.client, lambda rows: self.jobs.keep(job.batch, rows))
        self.queue.remove(job)

    def abandon(self) -> None:
        """Stop the uploads and abort their jobs."""
        abandoned, self.queue = self.queue, []
        for job in abandoned:
            job.abandon()
        for job in abandoned:
            job.join(self.run.client)
        if abandoned:
            self.jobs.abandon([job.batch for job in abandoned])

    def stop(self, *, join: bool) -> None:
        """Stop the uploads and leave their jobs to the next run, like the jobs of a killed run."""
        for job in self.queue:
            job.abandon()
        for job in self.queue if join else ():
            job.join(self.run.client)

    def _begin(self, window: Window, rows: int) -> PrefetchedJob:
        """Open the job of a window and begin its upload."""
        run, plan = self.run, self.planner.plan_window(window)
        [batch] = self.jobs.plan_jobs(window, rows, parts=1)
        try:
            opened = self.jobs.open_job(batch)
        except RunFailure:
            self.jobs.abandon([batch])
            raise
        job = PrefetchedJob(plan, opened, IngestJobs(run.stream, run.client.concurrent()))
        concurrent = run.options.uses_threads
        report = job.check if concurrent else lambda sent: self.jobs.keep(opened, sent)
        job.start(self.jobs.compose(opened, plan, report), concurrent=concurrent)
        self.planner.sizer.grow()
        return job

    def _begin_next(self) -> None:
        while len(self.queue) < self.run.options.prefetched_jobs and self.allows(self.planner.sizer.rows):
            found = self.planner.find_behind(self.queue[-1].plan.window.end)
            if found is None:
                return
            self.queue.append(self._begin(*found))

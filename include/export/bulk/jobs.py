"""The jobs of a run until Salesforce has their rows: the plan in the ledger, the job, its upload, or its abortion."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace

from include.export.bulk.progress import Progress
from include.export.bulk.upload import JobUpload, UploadBody
from include.export.bulk.window_plan import WindowPlan
from include.export.ledger import JobBatch
from include.export.positions import Window
from include.export.run import RunContext
from include.export.salesforce import IngestJobs
from include.export.source import SourceWindows


@dataclass(frozen=True)
class RunJobs:
    """Opens and closes the jobs of one run; each step is written to the ledger before its call is made."""

    run: RunContext
    progress: Progress

    @property
    def calls(self) -> IngestJobs:
        """Return the API calls of ingest jobs."""
        return IngestJobs(self.run.stream, self.run.client)

    def write_plan(self, window: Window | None, rows: int, parts: int) -> list[JobBatch]:
        """Write the ledger's lines of jobs in the caller's transaction; jobs without a window send listed rows."""
        run = self.run
        values = {"stream": run.stream.name, "run": run.entry.id, "epoch": run.lease.epoch,
                  "action": str(run.stream.operation)}  # fmt: skip
        return run.jobs.plan_jobs(window, rows, parts, values)

    def open_job(self, batch: JobBatch) -> JobBatch:
        """Create the job of a batch; returns the batch with its id."""
        run = self.run
        known = {other.job_id for other in run.jobs.find_unsettled(run.stream.name) if other.job_id}
        job_id = self.calls.create(batch.action, batch.planned_at, known)
        with run.lease.transaction():
            run.jobs.note_job(batch, job_id)
        return replace(batch, job_id=job_id)

    def keep(self, batch: JobBatch, rows: int) -> None:
        """Renew the lease during an upload, and log its progress."""
        self.run.lease.keep()
        self.progress.log_upload(str(batch.job_id), rows)

    def close_job(self, batch: JobBatch, body: UploadBody) -> JobBatch:
        """Close the upload, so that Salesforce processes the job; returns the batch as it is in the ledger."""
        run = self.run
        with run.lease.transaction():
            run.jobs.note_upload(batch, body.rows)
        if body.rows:
            self.calls.complete_upload(str(batch.job_id))
        else:
            self.calls.abort(str(batch.job_id))  # all of its rows were left out
        return run.jobs.read(batch.id)

    def abandon(self, batches: list[JobBatch]) -> None:
        """Abort jobs whose rows are sent again, so that they cannot be processed later."""
        for batch in batches:
            job_id = self.run.jobs.read(batch.id).job_id
            if job_id:
                self.calls.abort(job_id)
        with self.run.lease.transaction():
            self.run.batches.abandon([batch.id for batch in batches])


@dataclass(frozen=True)
class WindowJobs(RunJobs):
    """The jobs of windows."""

    def plan_jobs(self, window: Window, rows: int, parts: int) -> list[JobBatch]:
        """Write the ledger's lines of a window's jobs."""
        with self.run.lease.transaction():
            return self.write_plan(window, rows, parts)

    def upload(self, batch: JobBatch, plan: WindowPlan) -> tuple[JobBatch, float]:
        """Upload the rows of a batch and close its job; returns the batch and the bytes per row."""
        opened = self.open_job(batch)
        with closing(self.compose(opened, plan, lambda rows: self.keep(opened, rows))) as body:
            self.calls.upload(str(opened.job_id), body.open)
        return self.close_job(opened, body), body.row_bytes

    def compose(self, batch: JobBatch, plan: WindowPlan, report: Callable[[int], None]) -> JobUpload:
        """Return the upload of a job; `report` is called with the number of rows sent so far."""
        run, windows = self.run, SourceWindows(self.run.source)
        by_parent = not (run.options.pause_on_export_errors or run.form.refers_to_itself)
        part = windows.part_of(batch.parts, batch.part)
        copy = windows.compose_copy(plan.window, plan.form.columns, plan.needs_collections, part, by_parent=by_parent)
        return JobUpload(run, report, copy, batch, plan, part)

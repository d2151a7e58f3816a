"""The jobs of a run until Salesforce has their rows: ledger, id, upload, and the end of those that are given up."""

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
    """Opens and closes the jobs of one run; each step is in the ledger before the call that it is about."""

    run: RunContext
    progress: Progress

    @property
    def calls(self) -> IngestJobs:
        """Return the calls of ingest jobs."""
        return IngestJobs(self.run.stream, self.run.client)

    def write_plan(self, window: Window | None, rows: int, parts: int) -> list[JobBatch]:
        """Write the ledger's lines of jobs inside the caller's transaction; without a window their rows are listed."""
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
        """Prolong the lease during an upload, and log its progress."""
        self.run.lease.keep()
        self.progress.log_upload(str(batch.job_id), rows)

    def close_job(self, batch: JobBatch, body: UploadBody) -> JobBatch:
        """Let Salesforce process a job whose rows it has; returns the batch as the ledger has it."""
        run = self.run
        with run.lease.transaction():
            run.jobs.note_upload(batch, body.rows)
        if body.rows:
            self.calls.complete_upload(str(batch.job_id))
        else:
            self.calls.abort(str(batch.job_id))  # none of its rows goes into a job
        return run.jobs.read(batch.id)

    def abandon(self, batches: list[JobBatch]) -> None:
        """Abort jobs whose rows are sent again, so that nothing of them comes later."""
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
        """Let Salesforce process the rows of a batch; returns the batch, and how many bytes a row took."""
        opened = self.open_job(batch)
        with closing(self.compose(opened, plan, lambda rows: self.keep(opened, rows))) as body:
            self.calls.upload(str(opened.job_id), body.open)
        return self.close_job(opened, body), body.row_bytes

    def compose(self, batch: JobBatch, plan: WindowPlan, report: Callable[[int], None]) -> JobUpload:
        """Return the upload of a job; `report` is called with how many rows were sent."""
        windows, pause = SourceWindows(self.run.source), self.run.options.pause_on_export_errors
        part = windows.part_of(batch.parts, batch.part)
        copy = windows.compose_copy(plan.window, plan.form.columns, plan.needs_collections, part, by_parent=not pause)
        return JobUpload(self.run, report, copy, batch, plan, part)

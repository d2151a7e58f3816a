"""The jobs of a window until Salesforce has their rows: ledger, id, upload, and the end of those that are given up."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace

from include.export.bulk.progress import Progress
from include.export.bulk.upload import JobUpload
from include.export.bulk.window_plan import WindowPlan
from include.export.ledger.batches import JobBatch
from include.export.positions import Window
from include.export.run.context import Workbench
from include.export.salesforce.bulk_api import IngestJobs
from include.export.source.windows import SourceWindows


@dataclass(frozen=True)
class WindowJobs:
    """Opens, fills and closes the jobs of one run; each step is in the ledger before the call that it is about."""

    bench: Workbench
    progress: Progress

    @property
    def calls(self) -> IngestJobs:
        """Return the calls of ingest jobs."""
        return IngestJobs(self.bench.stream, self.bench.client)

    def plan(self, window: Window, rows: int, parts: int) -> list[JobBatch]:
        """Write the ledger's lines of a window's jobs."""
        bench = self.bench
        values = {"stream": bench.stream.name, "run": bench.run.id, "epoch": bench.lease.epoch,
                  "action": str(bench.stream.operation)}  # fmt: skip
        with bench.lease.transaction():
            return bench.batches.plan_jobs(window, rows, parts, values)

    def send(self, batch: JobBatch, plan: WindowPlan) -> tuple[JobBatch, float]:
        """Let Salesforce process the rows of a batch; returns the batch, and how many bytes a row took."""
        opened = self.open(batch)
        with closing(self.compose(opened, plan, lambda rows: self.keep(opened, rows))) as body:
            self.calls.upload(str(opened.job_id), body.open)
        return self.close(opened, body), body.row_bytes

    def open(self, batch: JobBatch) -> JobBatch:
        """Create the job of a batch; returns the batch with its id."""
        bench = self.bench
        known = {other.job_id for other in bench.batches.left_over(bench.stream.name) if other.job_id}
        job_id = self.calls.create(batch.action, batch.planned_at, known)
        with bench.lease.transaction():
            bench.batches.note_job(batch, job_id)
        return replace(batch, job_id=job_id)

    def compose(self, batch: JobBatch, plan: WindowPlan, tell: Callable[[int], None]) -> JobUpload:
        """Return the upload of a job; `tell` hears how many rows went out."""
        windows, pause = SourceWindows(self.bench.source), self.bench.options.pause_on_export_errors
        part = windows.part_of(batch.parts, batch.part)
        copy = windows.compose_copy(plan.window, plan.form.columns, plan.special, part, by_parent=not pause)
        return JobUpload(self.bench, copy, batch, plan, part, tell)

    def keep(self, batch: JobBatch, rows: int) -> None:
        """Prolong the lease during an upload, and tell how far it is."""
        self.bench.lease.keep()
        self.progress.tell_upload(str(batch.job_id), rows)

    def close(self, batch: JobBatch, body: JobUpload) -> JobBatch:
        """Let Salesforce process a job whose rows it has; returns the batch as the ledger has it."""
        bench = self.bench
        with bench.lease.transaction():
            bench.batches.note_upload(batch, body.rows)
        if body.rows:
            self.calls.close(str(batch.job_id))
        else:
            self.calls.abort(str(batch.job_id))  # every row of the window goes another way
        return bench.batches.read_job(batch.id)

    def abandon(self, batches: list[JobBatch]) -> None:
        """Abort jobs whose rows are sent again, so that nothing of them comes later."""
        for batch in batches:
            job_id = self.bench.batches.read_job(batch.id).job_id
            if job_id:
                self.calls.abort(job_id)
        with self.bench.lease.transaction():
            self.bench.batches.abandon([batch.id for batch in batches])

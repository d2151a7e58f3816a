"""Faults planted into the Bulk transport: each breaks a protection against jobs that outlive their process."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace as with_values
from typing import Any

from histories.replacing import replaced
from include.export.bulk import recovery, settlement
from include.export.bulk.jobs import RunJobs
from include.export.bulk.prefetch import PrefetchedJob
from include.export.bulk.results.outcome import JobAnswers
from include.export.bulk.settlement import _Settling
from include.export.bulk.upload import JobUpload, UploadBody
from include.export.ledger.batches.job_batches import JobBatch, JobBatches
from include.export.reconcile import late_rows
from include.export.salesforce.bulk_api import JobState
from include.export.tasks import export, reexport

_BLAME = """
update crm_export_results set kind = 'rejected', error = %(error)s, error_key = md5(%(error)s)::uuid
where kind = 'unprocessed'
"""


@contextmanager
def intent_not_stored() -> Generator[None]:
    """A run does not know the jobs that earlier runs began."""

    def forget(run: Any) -> None:
        with run.lease.transaction():
            run.batches.abandon([batch.id for batch in run.jobs.find_unsettled(run.stream.name)])

    with (
        replaced(export, "settle_unsettled", forget),
        replaced(reexport, "settle_unsettled", forget),
        replaced(late_rows, "settle_unsettled", forget),
    ):
        yield


@contextmanager
def job_noted_after_it_was_closed() -> Generator[None]:
    """The id of a job is stored when Salesforce is already processing it, and not before its first row is sent."""

    def open_job(self: RunJobs, batch: JobBatch) -> JobBatch:
        return with_values(batch, job_id=self.calls.create(batch.action, batch.planned_at, ()))

    def close(self: RunJobs, batch: JobBatch, body: UploadBody) -> JobBatch:
        (self.calls.complete_upload if body.rows else self.calls.abort)(str(batch.job_id))
        with self.run.lease.transaction():
            self.run.jobs.note_job(batch, str(batch.job_id))
            self.run.jobs.note_upload(batch, body.rows)
        return self.run.jobs.read(batch.id)

    with replaced(RunJobs, "open_job", open_job), replaced(RunJobs, "close_job", close):
        yield


@contextmanager
def closed_before_its_turn() -> Generator[None]:
    """A job whose rows were prefetched is closed at once, before the preceding one is settled."""
    start = PrefetchedJob.start

    def start_and_close(self: PrefetchedJob, body: JobUpload, *, concurrent: bool) -> None:
        start(self, body, concurrent=concurrent)
        self.jobs.complete_upload(str(self.batch.job_id))

    with replaced(PrefetchedJob, "start", start_and_close):
        yield


@contextmanager
def old_job_not_waited_for() -> Generator[None]:
    """Rows of a running job are sent again."""
    with replaced(recovery, "_is_adopted", lambda run, batch, left: False):
        yield


@contextmanager
def settled_before_the_job_is_over() -> Generator[None]:
    """A job counts as complete as soon as it is closed."""

    def wait(run: Any, batch: JobBatch, progress: Any) -> JobState:
        return JobState(str(batch.job_id), "JobComplete", batch.sent or 0, 0, "")

    with replaced(settlement, "wait_for_job", wait):
        yield


@contextmanager
def failed_job_as_record_errors() -> Generator[None]:
    """The unprocessed rows of a failed job are recorded as rejected."""
    account = JobAnswers._account

    def blame(self: JobAnswers) -> None:
        account(self)
        self.run.connection.execute(_BLAME, {"error": "FIELD_INTEGRITY_EXCEPTION:the job failed:--"})
        self.results.judge()
        self.carried.place(self.results)

    with replaced(JobAnswers, "_account", blame):
        yield


@contextmanager
def unanswered_rows_are_successes() -> Generator[None]:
    """A row of a job without an answer counts as accepted."""
    with replaced(JobAnswers, "_account", lambda self: None):
        yield


@contextmanager
def window_acknowledged_by_its_first_job() -> Generator[None]:
    """The first settled job of a window moves the watermark past all of it."""
    settle, find = _Settling.settle, JobBatches.find_of_window

    def end_window(self: _Settling) -> bool:
        self.last = True
        return settle(self)

    def find_settled(self: JobBatches, window_id: Any) -> list[JobBatch]:
        return [batch for batch in find(self, window_id) if batch.state == "SETTLED"]

    with replaced(_Settling, "settle", end_window), replaced(JobBatches, "find_of_window", find_settled):
        yield


@contextmanager
def left_out_rows_judged_again() -> Generator[None]:
    """The rows that a job left out are determined at its settlement, and not stored when it is uploaded."""
    send = _Settling._send_left_out

    def judge_and_send(self: _Settling) -> None:
        source, window = self.run.source, self.plan.window
        part = settlement.SourceWindows(source).part_of(1, 0)
        statement = source.compose_window(
            "ledger/batch_left_out", window, needs_collections=self.plan.needs_collections, part=part
        )
        values = {"batch": self.batch.id, **window.as_values(), **self.plan.values(self.run.stream.name)}
        with self.run.lease.transaction():
            self.run.jobs.forget_left_out(self.batch.window_id)
            self.run.jobs.note_left_out(statement, values)
        send(self)

    with replaced(_Settling, "_send_left_out", judge_and_send):
        yield

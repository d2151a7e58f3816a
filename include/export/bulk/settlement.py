"""Settling the jobs of a window: wait for each, read its answers, and write its outcome in one transaction."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, repeat

from include.export.bulk.progress import Look, Progress
from include.export.bulk.results import (
    AnswersIncomplete,
    WindowRows,
    check_count,
    check_proof,
    count_behind,
    find_unrecorded,
    read_answers,
    record_rejections,
)
from include.export.bulk.window_plan import WindowPlan, keep_job_rows
from include.export.failures import CircuitFailure, SalesforceFailure
from include.export.ledger import JobBatch, Recorder
from include.export.positions import Position, Window
from include.export.run import RunContext, plan_page
from include.export.salesforce import TIMED_OUT, IngestJobs, JobState, explain_job_failure
from include.export.source import SourceWindows

log = logging.getLogger(__name__)
EMPTY_JOB = JobState("", "JobComplete", 0, 0, "")  # the outcome of a job without rows


class JobPending(Exception):  # noqa: N818 - named by what happens next
    """A job is still running in Salesforce; this run ends, and the next one settles the job."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"Bulk job {job_id} has not finished")
        self.job_id = job_id


def settle_window(run: RunContext, batches: Sequence[JobBatch], plan: WindowPlan, progress: Progress) -> bool:
    """Settle the jobs of a window in order; with the last one the watermark moves, by the answers of all.

    Returns whether the stream is stopped at a rejected record. Raises JobPending when a job takes longer than
    `job_patience`, RunFailure when it ended abnormally, after settling the rows it had processed.
    """
    held = False
    for batch in batches:
        state = wait_for_job(run, batch, progress) if batch.sent else EMPTY_JOB
        held = _Settling(run, batch, plan, state, last=batch is batches[-1]).settle()
        progress.settle(batch.sent or 0)
    return held


def wait_for_job(run: RunContext, batch: JobBatch, progress: Progress) -> JobState:
    """Return the state of a finished job; the polling interval grows until the job's end can be estimated."""
    jobs, began = IngestJobs(run.stream, run.client), time.monotonic()
    ends_after = (run.stream.job_timeout - run.jobs.read_age(batch)).total_seconds()
    delays, first = run.options.poll_delays, None
    for delay in chain(delays, repeat(delays[-1])):
        state = jobs.read(str(batch.job_id))
        if state is None:
            raise SalesforceFailure(
                f"Stream {run.stream.name}: Bulk job {batch.job_id} no longer exists in Salesforce. The next attempt "
                "sends its rows again."
            )
        if state.is_over:
            return state
        if time.monotonic() - began > ends_after:
            return _end_job(run, jobs, state)
        if run.options.job_patience is not None and time.monotonic() - began > run.options.job_patience:
            raise JobPending(state.id)
        progress.log_job(state.id, state.state, state.processed)
        run.lease.keep()
        look = Look(time.monotonic(), state.processed)
        first = first or (look if state.state == "InProgress" else None)
        time.sleep(look.choose_delay(first or look, batch.sent or 0, delay))
    raise AssertionError("the delays never end")


def _end_job(run: RunContext, jobs: IngestJobs, state: JobState) -> JobState:
    """Abort a job that has run longer than job_timeout; it may have finished meanwhile."""
    log.warning("Stream %s: Bulk job %s is aborted after job_timeout (%s)", run.stream.name, state.id,
                run.stream.job_timeout)  # fmt: skip
    jobs.abort(state.id)
    ended = jobs.read(state.id) or state
    return replace(ended, state=TIMED_OUT) if ended.state == "Aborted" else ended


@dataclass
class _Settling:
    """The settlement of one job of a window; that of the `last` job moves the watermark."""

    run: RunContext
    batch: JobBatch
    plan: WindowPlan
    state: JobState
    last: bool

    def settle(self) -> bool:
        """Settle the job; returns whether the stream is stopped at a rejected record."""
        if self.state.state == "Failed" and self.state.processed == 0:
            self._abandon()  # none of its rows was processed
            raise explain_job_failure(self.run.stream, self.state)
        try:
            rows = WindowRows(self.run, self.batch, self.plan.window)
            self.answers = read_answers(self.run, self.batch, rows, self.state)
            check_count(self.answers)
        except (CircuitFailure, AnswersIncomplete):
            self._abandon()
            raise
        if self.last:
            self._send_left_out()
        held = self._write(self.answers.first_unanswered)
        self.answers.raise_if_incomplete()
        return held

    def _send_left_out(self) -> None:
        """Send the rows of the window that its jobs left out; with the setting on, none after a rejected one.

        The rows were listed when the jobs were uploaded, because the reason to leave a row out may have ended since.
        """
        run, place = self.run, self.plan.window.start
        if not run.jobs.has_left_out(self.batch.window_id):
            return  # as nearly always, and composing the page takes longer than asking
        stop = self._find_first_rejected() if run.options.pause_on_export_errors else None
        known = {"window_id": self.batch.window_id, "limit": run.options.batch_size}
        values = {**self.plan.values(run.stream.name), **known}
        while True:
            window = Window(place, stop or self.plan.window.end)
            page = run.source.compose_window("source/page_left_out", window)
            batch = plan_page(run, page, respect_decisions=True, **values, **window.as_values())
            if batch is None:
                return
            place = run.batches.last_position(batch)
            sent = run.send_batch(batch, stop_at_rejection=run.options.pause_on_export_errors)
            run.settle(batch, sent, move=False)
            if sent.stopped_at is not None:
                return

    def _find_first_rejected(self) -> Position | None:
        """Return the first rejected row of all jobs of the window; those settled before have recorded theirs."""
        place = self.answers.carried.find_rejected_before()
        return self.answers.find_first_rejected(place) or place

    def _write(self, first_unanswered: Position | None) -> bool:
        """Write the outcome of a job in one transaction; returns whether the stream is stopped at a rejected record."""
        run, batch, counts = self.run, self.batch, self.answers.count()
        rejected = counts.rejected
        accepted = max(self.state.processed - rejected, 0) if first_unanswered is None else counts.accepted
        unprocessed = (batch.sent or 0) - accepted - rejected
        calls, bytes_sent = run.take_counts()
        with run.lease.transaction():
            check_proof(self.answers)
            if rejected:
                record_rejections(self.answers, self._recorder())
            if first_unanswered is not None and batch.parts > 1:
                run.batches.abandon([batch.id])
            else:
                run.jobs.settle(batch, accepted=accepted, rejected=rejected, unprocessed=unprocessed,
                                unrecorded=find_unrecorded(self.answers))  # fmt: skip
            held = self._end_window(first_unanswered) if self.last else False
            run.entry.count(rows_changed=batch.sent or 0, rows_sent=batch.sent or 0, accepted=accepted,
                            rejected=rejected, api_calls=calls, bytes_sent=bytes_sent)  # fmt: skip
        run.state = replace(run.state, watermark=run.lease.read_watermark())
        return held

    def _end_window(self, first_unanswered: Position | None) -> bool:
        """Move the watermark to the end of the window, or to just before the first row that stops it.

        If a job of the window is not settled, none of the window's rows is acknowledged. Returns whether the stream is
        stopped at a rejected record.
        """
        run, window = self.run, self.plan.window
        SourceWindows(run.source).pin_plans()
        batches, held, end = run.jobs.find_of_window(self.batch.window_id), False, None
        if all(batch.state == "SETTLED" for batch in batches):
            held, end = self._move(batches, first_unanswered)
            self._keep_size(clean=not held and end == window.end)
        run.versions.confirm(run.source, [batch.id for batch in batches], window, end)
        run.jobs.forget_left_out(self.batch.window_id)
        return held

    def _move(self, batches: Sequence[JobBatch], first_unanswered: Position | None) -> tuple[bool, Position | None]:
        """Move the watermark; returns whether a rejected record stops it, and how far rows are acknowledged."""
        run, windows, window = self.run, SourceWindows(self.run.source), self.plan.window
        error, place = self._find_limit(first_unanswered)
        end = windows.find_before(window, place) if place else window.end
        if end is not None:
            self._resolve(replace(window, end=end), batches)
            run.lease.set_watermark(window, end)
        run.lease.stop_at(error)
        if error is not None and place is not None:
            run.lease.note_behind(count_behind(run, self.batch, replace(window, start=place)))
        return error is not None, end

    def _find_limit(self, first_unanswered: Position | None) -> tuple[int | None, Position | None]:
        """Return the export error that stops the stream, if any, and the first row that is not acknowledged.

        That is the first rejected row of all jobs of the window. With the setting off, or when that row has changed or
        an operator has decided about it, it is the first row that was only counted or has no answer, if there is one.
        """
        run, batch, windows = self.run, self.batch, SourceWindows(self.run.source)
        within = replace(self.plan.window, end=first_unanswered or self.plan.window.end)
        unrecorded = windows.find_unrecorded(within, batch.window_id)
        within = replace(within, end=unrecorded or within.end)
        found = None
        if run.options.pause_on_export_errors:
            found = windows.find_stop(within, run.stream.name, batch.planned_at)
        return found or (None, unrecorded or first_unanswered)

    def _keep_size(self, *, clean: bool) -> None:
        """With the setting on, let the next run begin with the last good size, or small after a rejection."""
        if self.run.options.pause_on_export_errors:
            keep_job_rows(self.run, max(self.batch.row_count, self.run.state.job_rows or 0) if clean else None)

    def _resolve(self, window: Window, batches: Sequence[JobBatch]) -> None:
        run = self.run
        values = {
            **window.as_values(),
            "batches": [batch.id for batch in batches],
            "stream": run.stream.name,
            "planned_at": self.batch.planned_at,
            "run": run.entry.id,
            "by": run.identity.dag_id,
        }
        run.errors.resolve_window(run.source.compose_window("ledger/errors_resolve_window", window), values)

    def _recorder(self) -> Recorder:
        run = self.run
        return Recorder(run.stream.name, run.stream.object, run.entry.id, run.identity, run.reexport)

    def _abandon(self) -> None:
        with self.run.lease.transaction():
            self.run.batches.abandon([self.batch.id])

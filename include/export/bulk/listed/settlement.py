"""Settling a job of listed rows: its outcome is written in one transaction, and the watermark does not move."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from include.export.bulk.listed.rows import ListedRows
from include.export.bulk.progress import Progress
from include.export.bulk.results import (
    AnswersIncomplete,
    Counts,
    JobAnswers,
    check_count,
    check_proof,
    read_answers,
    record_rejections,
)
from include.export.bulk.settlement import EMPTY_JOB, wait_for_job
from include.export.failures import CircuitFailure
from include.export.ledger import JobBatch, Recorder
from include.export.run import RunContext
from include.export.salesforce import explain_job_failure

ALL_ROWS = 2**31 - 1  # the last ordinal that a manifest can have


def settle_listed(run: RunContext, batch: JobBatch, progress: Progress) -> Counts:
    """Settle a job of listed rows and return the counts of its answers.

    The errors of accepted records are resolved, a rejection counts as one more attempt, all other errors stay as they
    are. Raises JobPending when the job takes longer than `job_patience`, RunFailure when it ended abnormally, after
    settling the rows it had processed.
    """
    state = wait_for_job(run, batch, progress) if batch.sent else EMPTY_JOB
    if state.state == "Failed" and state.processed == 0:
        _abandon(run, batch)  # none of its rows was processed
        raise explain_job_failure(run.stream, state)
    with _as_reexport(run):
        try:
            answers = read_answers(run, batch, ListedRows(run, batch), state)
            check_count(answers)
        except (CircuitFailure, AnswersIncomplete):
            _abandon(run, batch)
            raise
        counts = _Answered(run, batch, answers).write()
    answers.raise_if_incomplete()
    return counts


@contextmanager
def _as_reexport(run: RunContext) -> Generator[None]:
    """Let any run that settles the job count attempts and continue past rejected records, as the daily job does."""
    options, reexport = run.options, run.reexport
    run.options, run.reexport = replace(options, pause_on_export_errors=False), True
    try:
        yield
    finally:
        run.options, run.reexport = options, reexport


def _abandon(run: RunContext, batch: JobBatch) -> None:
    with run.lease.transaction():
        run.batches.abandon([batch.id])


@dataclass(frozen=True)
class _Answered:
    """A job whose answers have been read."""

    run: RunContext
    batch: JobBatch
    answers: JobAnswers

    def write(self) -> Counts:
        """Write the outcome of the job in one transaction; returns the counts."""
        run, answers = self.run, self.answers
        counts = self._count()
        calls, bytes_sent = run.take_counts()
        with run.lease.transaction():
            check_proof(answers)
            if counts.rejected:
                recorder = Recorder(run.stream.name, run.stream.object, run.entry.id, run.identity, run.reexport)
                record_rejections(answers, recorder)
            self._write_rows()
            accepted, rejected, sent = counts.accepted, counts.rejected, self.batch.sent or 0
            run.jobs.settle(self.batch, accepted=accepted, rejected=rejected, unprocessed=counts.unprocessed)
            run.entry.count(rows_changed=sent, rows_sent=sent, accepted=accepted, rejected=rejected, api_calls=calls,
                            bytes_sent=bytes_sent)  # fmt: skip
        return counts

    def _count(self) -> Counts:
        """Return the counts; if every row has an answer, those processed and not rejected were accepted."""
        counts, state = self.answers.count(), self.answers.state
        proven = self.answers.first_unanswered is None
        accepted = max(state.processed - counts.rejected, 0) if proven else counts.accepted
        unprocessed = (self.batch.sent or 0) - accepted - counts.rejected
        return replace(counts, accepted=accepted, unprocessed=unprocessed)

    def _write_rows(self) -> None:
        """Note the versions of the answered rows, and resolve the errors of the accepted ones."""
        run, rows = self.run, ListedRows(self.run, self.batch)
        rows.listing.pin_plans()
        if self.answers.first_unanswered is not None:
            rows.listing.take_out_unanswered(rows.is_answer)
        run.versions.note(self.batch.id, last=ALL_ROWS)
        if not self.answers.proves_clean:
            rows.listing.take_out_rejected()
        rows.listing.resolve(run.stream.name, run.entry.id, run.identity.dag_id)
        rows.listing.empty()

"""Recording the rejections of a job: unless all that it counts are found, nothing of the job is acknowledged."""

from __future__ import annotations

from dataclasses import replace

from include.export.bulk.results.outcome import JobAnswers
from include.export.bulk.results.recorded_limit import limit_recorded
from include.export.failures import SalesforceFailure, SourceFailure
from include.export.ledger import Behind, JobBatch, Recorder, Unrecorded
from include.export.positions import Window
from include.export.run import RunContext
from include.export.source import SourceWindows


class AnswersIncomplete(SalesforceFailure):
    """A job lists fewer rejected records than it counts."""


def check_count(answers: JobAnswers) -> None:
    """Raise AnswersIncomplete if fewer rejections were read than the job counts, though no row lacks an answer."""
    proof, counted = answers.proof, answers.state.failed
    if proof is not None and answers.first_unanswered is None and proof.rejected != counted:
        raise AnswersIncomplete(
            f"Stream {answers.run.stream.name}: Bulk job {answers.state.id} counts {counted:,} rejections and lists "
            f"{proof.rejected:,}. Nothing is acknowledged; the next attempt sends its rows again."
        )


def check_proof(answers: JobAnswers) -> None:
    """Raise SourceFailure if the answers are not those counted before; in the transaction that settles them."""
    if answers.proof is None:
        return
    known, again = answers.proof, answers.accepted_again
    if answers.results.count() != replace(known, accepted=known.accepted + again, rejected=known.rejected - again):
        raise SourceFailure(
            f"Stream {answers.run.stream.name}: the stored answers of Bulk job {answers.state.id} changed between two "
            "reads, as happens with a pooler that gives each transaction another session. Nothing is acknowledged. "
            "Connect the exporter to Postgres directly, or through a session pooler."
        )


def record_rejections(answers: JobAnswers, recorder: Recorder) -> None:
    """Record the rejections; raises SourceFailure if fewer or more were written than counted."""
    run, limit = answers.run, limit_recorded(answers.run, answers.batch.parts)
    rejected = run.source.compose_results("ledger/results_rejected", None)
    written = run.errors.record_job(recorder, answers.batch.action, answers.state.id, rejected, limit)
    counted = (answers.proof.rejected if answers.proof else 0) - answers.retried - answers.unplaced
    expected = min(counted, limit) if limit else counted
    if written != expected:
        raise SourceFailure(
            f"Stream {run.stream.name}: {written:,} of {expected:,} rejections of Bulk job {answers.state.id} could "
            "be written to crm_export.ExportErrors. Nothing is acknowledged. Check for triggers, rules or policies on "
            "that table, and for a transaction pooler between the exporter and Postgres."
        )


def find_unrecorded(answers: JobAnswers) -> Unrecorded:
    """Return the rejections that are counted but not recorded."""
    limit = limit_recorded(answers.run, answers.batch.parts)
    return Unrecorded() if limit is None or answers.proves_clean else answers.results.find_unrecorded(limit)


def count_behind(run: RunContext, batch: JobBatch, window: Window) -> Behind:
    """Return what the jobs of a window did in a part of it, after the record at which the stream is stopped."""
    counted = run.jobs.sum_counted_only(batch.window_id)
    windows = SourceWindows(run.source)
    arrived = windows.count_arrived(window, run.stream.name, batch.window_id, batch.planned_at)
    return Behind(max(arrived - counted.rows, 0), counted.rejected)

"""Salesforce's answers for a finished job: which records were rejected, and whether every row has an answer."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cached_property

from include.export.batch import Batch
from include.export.bulk.results.carried_rows import CarriedRows
from include.export.bulk.results.recorded_limit import limit_recorded
from include.export.bulk.results.result_file import ResultsCut, drop_incomplete
from include.export.bulk.results.result_tables import Counts, JobResults, ResultLoader
from include.export.failures import SalesforceFailure
from include.export.ledger import JobBatch
from include.export.positions import Position
from include.export.run import RunContext, check_error_count, check_job_circuit
from include.export.salesforce import IngestJobs, JobState, explain_job_failure

log = logging.getLogger(__name__)
RETRIED_RECORDS = 5_000  # the most records of a job that are retried after a transient rejection
FETCH_TRIES = 3  # of a result file that is incomplete


def read_answers(run: RunContext, batch: JobBatch, carried: CarriedRows, state: JobState) -> JobAnswers:
    """Return the answers of a job, after retrying records that were rejected for transient reasons.

    Raises CircuitFailure when its rejections are not the records' fault, SalesforceFailure when the answers contradict
    each other.
    """
    answers = JobAnswers(run, batch, carried, state)
    if not answers.proves_clean:
        answers.first_unanswered = answers.read()
        answers.send_again()
    return answers


@dataclass
class JobAnswers:
    """The answers of one job; `first_unanswered` is the first of its rows that has none."""

    run: RunContext
    batch: JobBatch
    carried: CarriedRows
    state: JobState
    first_unanswered: Position | None = None
    unplaced: int = 0  # rejected records whose source row is not known
    retried: int = 0  # rejected records that were retried
    accepted_again: int = 0
    proof: Counts | None = None

    @property
    def proves_clean(self) -> bool:
        """Return whether the job's counts alone prove that every row was accepted."""
        return self.state.state == "JobComplete" and self.state.processed == self.batch.sent and not self.state.failed

    def count(self) -> Counts:
        """Count the answers."""
        return Counts(self.state.processed, 0, 0, 0) if self.proves_clean else self.results.count()

    def find_first_rejected(self, before: Position | None = None) -> Position | None:
        """Return the position of the first rejected record whose row is unchanged since, `before` a position."""
        return None if self.proves_clean else self.results.find_first_rejected(before)

    def read(self) -> Position | None:
        """Read the rejections, and all answers if the counts prove nothing; returns the first row without an answer."""
        if self.state.failed:
            self._load("rejected", self.state.failed)
        self.results.judge()
        self.unplaced = self.carried.place(self.results)
        self._check_circuit()
        self.proof = self._check_answers()
        counted = self.proof.rejected == self.state.failed and self.state.processed == self.batch.sent
        proven = counted and self.state.state == "JobComplete" and not self.unplaced
        return None if proven else self._account()

    def send_again(self) -> None:
        """Retry, through Collections, records that were rejected for transient reasons or for the size of the request.

        With the setting on, nothing after a record that stays rejected is retried.
        """
        run = self.run
        stays = self._find_first_staying() if run.options.pause_on_export_errors else None
        for _ in range(RETRIED_RECORDS // run.options.batch_size):
            ids = self.results.find_again(run.options.batch_size, stays)
            if not ids:
                return
            batch = self.carried.plan_again(ids)
            accepted = _send_again(run, batch) if batch else []
            self.results.note_retried(ids, accepted)
            self.retried += len(ids)
            self.accepted_again += len(accepted)

    def _find_first_staying(self) -> Position | None:
        """Return the first row that stays rejected, including those of the window's settled jobs."""
        before = self.carried.find_rejected_before()
        return self.results.find_first_rejected(before, staying=True) or before

    def raise_if_incomplete(self) -> None:
        """Raise a RunFailure for a job that ended abnormally, after the rows it had processed were settled."""
        if self.state.state != "JobComplete":
            raise explain_job_failure(self.run.stream, self.state)
        if self.first_unanswered is not None:
            counts = self.count()
            raise SalesforceFailure(
                f"Stream {self.run.stream.name}: {counts.accepted + counts.rejected:,} of {self.batch.sent:,} records "
                f"of Bulk job {self.state.id} are accounted for. The outcome of the others is unknown: "
                f"{self.carried.kept}, and the next attempt sends them again."
            )

    @cached_property
    def results(self) -> JobResults:
        """Return the tables of the answers; the first use empties them."""
        results = JobResults(self.run.source, self.run.catalogue, self.run.form.identity)
        results.clear()
        return results

    def _load(self, kind: str, expected: int | None) -> None:
        """Fetch a result file, again when it is incomplete; the last time, its complete rows are read."""
        jobs = IngestJobs(self.run.stream, self.run.client)
        for last in (*[False] * (FETCH_TRIES - 1), True):
            try:
                with jobs.open_results(self.state.id, kind) as blocks:
                    ResultLoader(self.results.source).load(kind, drop_incomplete(blocks) if last else blocks)
            except ResultsCut:
                if last:
                    raise
                log.info("The %s of job %s are incomplete; fetching them again", kind, self.state.id)
            else:
                if expected is None or getattr(self.results.count(), kind) == expected:
                    return

    def _check_circuit(self) -> None:
        found = self.results.find_classes()
        rejected = sum(each.count for each in found)
        known = self.results.count().rejected - rejected  # a rejection that a record had before is no evidence
        self.run.new_errors += min(rejected, limit_recorded(self.run, self.batch.parts) or rejected)
        check_job_circuit(self.run.stream, found, self.state.processed - known, self.run.catalogue)
        check_error_count(self.run.stream, self.run.new_errors)

    def _account(self) -> Position | None:
        """Read every answer of a job whose counts prove nothing; returns the first row without an answer."""
        self._load("accepted", self.state.processed - self.state.failed)
        self._load("unprocessed", None)
        self.proof = self._check_answers()
        return self.carried.find_unanswered(self.results)

    def _check_answers(self) -> Counts:
        counts = self.results.count()
        if counts.repeated or counts.accepted + counts.rejected + counts.unprocessed > (self.batch.sent or 0):
            raise SalesforceFailure(
                f"Stream {self.run.stream.name}: Bulk job {self.state.id} has answers for more rows than were sent, or "
                "two for one row. Nothing is acknowledged; check the job in Salesforce (Setup > Bulk Data Load Jobs)."
            )
        return counts


def _send_again(run: RunContext, batch: Batch) -> list[str]:
    """Retry records of a job and settle their outcome; returns the accepted external ids."""
    sent = run.sender.send_batch(batch, stop_at_rejection=False)
    run.settle(batch, sent, move=False, again=True)
    return [str(row.external_id) for row in batch.rows if row.ordinal in sent.accepted]

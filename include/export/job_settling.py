"""Settling the jobs of a window: wait for them, read their answers, and write what they mean in one transaction."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, repeat

from psycopg import sql

from include.export.batches import JobBatch
from include.export.circuit import check_error_count, check_job_circuit
from include.export.csv_form import CsvForm
from include.export.export_errors import Recorder
from include.export.failures import CircuitFailure, SalesforceFailure
from include.export.ingest_jobs import IngestJobs, JobState, explain_job_failure
from include.export.job_results import Counts, JobResults, ResultsCut, drop_incomplete
from include.export.positions import Position, Window
from include.export.progress import Progress
from include.export.source_windows import SourceWindows
from include.export.workbench import Workbench

log = logging.getLogger(__name__)
AGAIN = 5_000  # records of a job that are sent once more because what refused them clears by itself
FETCHES = 3  # of result files that are not whole


class JobPending(Exception):  # noqa: N818 - told by what happens next
    """Salesforce is still at work on a job; the run ends, and whoever comes next settles it."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"Bulk job {job_id} is not over")
        self.job_id = job_id


@dataclass(frozen=True)
class WindowPlan:
    """A window and which of its rows go into its jobs; the others are special and go by Collections."""

    window: Window
    form: CsvForm
    decided: bool
    careful: bool
    folds: tuple[str, ...]

    @property
    def special(self) -> sql.Composed:
        """Return the condition of rows that no job carries."""
        return self.form.special(decided=self.decided, careful=self.careful, folds=bool(self.folds))

    def values(self, stream: str) -> dict[str, object]:
        """Return the values of the condition."""
        return {"stream": stream, "folds": list(self.folds)}


def plan_window(bench: Workbench, window: Window, *, careful: bool) -> WindowPlan:
    """Return which rows of a window its jobs carry; `careful` looks into every text first."""
    form = CsvForm(bench.form)
    folds = SourceWindows(bench.source).find_folds(window, bench.form) if form.folds else []
    return WindowPlan(window, form, bench.errors.has_decisions(bench.stream.name), careful, tuple(folds))


def settle_window(bench: Workbench, batches: Sequence[JobBatch], plan: WindowPlan, progress: Progress) -> bool:
    """Settle the jobs of a window in order; the last one moves the watermark.

    Returns whether the stream is stopped at a refused record. Raises JobPending when a job takes longer than
    `job_patience`, RunFailure when it did not end as it should: what it had done is settled then.
    """
    held = False
    for batch in batches:
        state = wait_for_job(bench, batch, progress) if batch.sent else _NOTHING
        held = _Settling(bench, batch, plan, state, last=batch is batches[-1]).settle()
        progress.settle(batch.sent or 0)
    return held


def wait_for_job(bench: Workbench, batch: JobBatch, progress: Progress) -> JobState:
    """Return the state of a job that is over; its polls are further and further apart."""
    jobs, began = IngestJobs(bench.stream, bench.client), time.monotonic()
    delays = bench.options.poll_delays
    for delay in chain(delays, repeat(delays[-1])):
        state = jobs.read(str(batch.job_id))
        if state is None:
            raise SalesforceFailure(
                f"Stream {bench.stream.name}: Salesforce does not have Bulk job {batch.job_id} any more. Its rows are "
                "sent again by the next try."
            )
        if state.is_over:
            return state
        if bench.options.job_patience is not None and time.monotonic() - began > bench.options.job_patience:
            raise JobPending(state.id)
        progress.tell_job(state.id, state.state, state.processed)
        bench.lease.keep()
        time.sleep(delay)
    raise AssertionError("the delays never end")


_NOTHING = JobState("", "JobComplete", 0, 0, "")


@dataclass
class _Settling:
    """One job of a window and what becomes of it; `last` moves the watermark."""

    bench: Workbench
    batch: JobBatch
    plan: WindowPlan
    state: JobState
    last: bool

    def settle(self) -> bool:
        """Settle the job; returns whether the stream is stopped at a refused record."""
        sent = self.batch.sent or 0
        self.results = JobResults(self.bench.source, self.bench.catalogue)
        self.results.clear()
        self._check_structure()
        if self.state.failed:
            self._load("refused", self.state.failed)
        self._check_circuit()
        unknown = self.results.place(self.plan.window, self.bench.form.payload)
        counted = self._check_answers().refused == self.state.failed and self.state.processed == sent
        proven = counted and self.state.state == "JobComplete" and not unknown
        first_unanswered = None if proven else self._account()
        self._send_again()
        if self.last:
            self._send_special()
        held = self._write(first_unanswered)
        self._tell_incomplete(first_unanswered)
        return held

    def _check_structure(self) -> None:
        """Give up a job that failed as a whole: none of its rows was looked at."""
        if self.state.state == "Failed" and self.state.processed == 0:
            self._abandon()
            raise explain_job_failure(self.bench.stream, self.state)

    def _load(self, kind: str, expected: int | None) -> None:
        """Fetch a result file, again when it is not whole; what stays cut is read up to where it ends."""
        jobs = IngestJobs(self.bench.stream, self.bench.client)
        for last in (*[False] * (FETCHES - 1), True):
            try:
                with jobs.open_results(self.state.id, kind) as blocks:
                    self.results.load(kind, drop_incomplete(blocks) if last else blocks)
            except ResultsCut:
                if last:
                    raise
            else:
                found = getattr(self.results.count(), kind)
                if expected is None or found == expected:
                    return

    def _check_circuit(self) -> None:
        found = self.results.judge()
        self.bench.new_errors += sum(each.count for each in found)
        try:
            check_job_circuit(self.bench.stream, found, self.state.processed, self.bench.catalogue)
            check_error_count(self.bench.stream, self.bench.new_errors)
        except CircuitFailure:
            self._abandon()
            raise

    def _account(self) -> Position | None:
        """Read every answer of a job whose counts do not prove that each row has one; returns the first without."""
        self._load("accepted", self.state.processed - self.state.failed)
        self._load("unprocessed", None)
        self._check_answers()
        part = SourceWindows(self.bench.source).part_of(self.batch.parts, self.batch.part)
        values = self.plan.values(self.bench.stream.name)
        return self.results.find_unanswered(self.plan.window, self.plan.special, part, values)

    def _check_answers(self) -> Counts:
        counts = self.results.count()
        if counts.repeated or counts.accepted + counts.refused + counts.unprocessed > (self.batch.sent or 0):
            raise SalesforceFailure(
                f"Stream {self.bench.stream.name}: Bulk job {self.state.id} answers more rows than were sent, or one "
                "row twice. Nothing is acknowledged; look at the job in Salesforce (Setup > Bulk Data Load Jobs)."
            )
        return counts

    def _send_again(self) -> None:
        """Send once more, by Collections, what was refused for reasons that clear by themselves or by fewer rows."""
        bench = self.bench
        stays = self.results.find_first_refused(staying=True) if bench.options.pause_on_export_errors else None
        for _ in range(AGAIN // bench.options.batch_size):
            ids = self.results.find_again(bench.options.batch_size, stays)
            if not ids:
                return
            batch = bench.plan_page(
                bench.source.page_of_ids(self.plan.window), external_ids=ids, **self.plan.window.as_values()
            )
            accepted = bench.send_again(batch) if batch else []
            self.results.note_retried(ids, accepted)

    def _send_special(self) -> None:
        """Send the rows of the window that no job carries; with the setting on none behind a refused one."""
        bench, place = self.bench, self.plan.window.start
        if bench.batches.count_sent(self.batch.window_id) == self.batch.row_count:
            return
        stop = self.results.find_first_refused() if bench.options.pause_on_export_errors else None
        values = {**self.plan.values(bench.stream.name), "limit": bench.options.batch_size}
        while True:
            window = Window(place, stop or self.plan.window.end)
            batch = bench.plan_page(
                bench.source.page_of_window(window, self.plan.special), respect_decisions=True,
                **values, **window.as_values(),
            )  # fmt: skip
            if batch is None:
                return
            place = bench.batches.last_position(batch)
            sent = bench.send(batch, stop_at_refusal=bench.options.pause_on_export_errors)
            bench.settle(batch, sent, move=False)
            if sent.stopped_at is not None:
                return

    def _write(self, first_unanswered: Position | None) -> bool:
        """Write everything that a job means in one transaction."""
        bench, batch, counts = self.bench, self.batch, self.results.count()
        refused = counts.refused
        accepted = max(self.state.processed - refused, 0) if first_unanswered is None else counts.accepted
        unprocessed = (batch.sent or 0) - accepted - refused
        calls, bytes_sent = bench.take_counts()
        with bench.lease.transaction():
            if refused:
                bench.errors.record_job(self._recorder(), batch.action, self.state.id)
            if first_unanswered is not None and batch.parts > 1:
                bench.batches.abandon([batch.id])
            else:
                bench.batches.settle_job(batch, accepted=accepted, refused=refused, unprocessed=unprocessed)
            held, end = self._move(first_unanswered) if self.last else (False, self.plan.window.end)
            bench.versions.confirm(batch.id, self.plan.window, end)
            bench.run.count(rows_changed=batch.sent or 0, rows_sent=batch.sent or 0, accepted=accepted,
                            refused=refused, api_calls=calls, bytes_sent=bytes_sent)  # fmt: skip
        bench.state = replace(bench.state, watermark=bench.lease.read_watermark())
        return held

    def _move(self, first_unanswered: Position | None) -> tuple[bool, Position | None]:
        """Move the watermark over the window, or to just before the first row that keeps it from going on.

        Returns whether that row was refused, and how far what was sent is acknowledged.
        """
        bench, windows, window = self.bench, SourceWindows(self.bench.source), self.plan.window
        if bench.batches.count_unsettled(self.batch.window_id):
            return False, window.end
        found = None
        if bench.options.pause_on_export_errors:
            before = replace(window, end=first_unanswered) if first_unanswered else window
            found = windows.find_stop(before, bench.stream.name, self.batch.planned_at)
        place = found[1] if found else first_unanswered
        end = windows.find_before(window, place) if place else window.end
        if end is not None:
            self._resolve(replace(window, end=end))
            bench.lease.set_watermark(window, end)
        bench.lease.stop_at(found[0] if found else None)
        return found is not None, end

    def _resolve(self, window: Window) -> None:
        bench = self.bench
        values = {
            **window.as_values(),
            "stream": bench.stream.name,
            "planned_at": self.batch.planned_at,
            "run": bench.run.id,
            "by": bench.identity.dag_id,
        }
        bench.errors.resolve_window(bench.source.compose_window("errors_resolve_window", window), values)

    def _tell_incomplete(self, first_unanswered: Position | None) -> None:
        if self.state.state != "JobComplete":
            raise explain_job_failure(self.bench.stream, self.state)
        if first_unanswered is not None:
            counts: Counts = self.results.count()
            raise SalesforceFailure(
                f"Stream {self.bench.stream.name}: {counts.accepted + counts.refused:,} of {self.batch.sent:,} records "
                f"of Bulk job {self.state.id} are accounted for. What became of the others is not known: the watermark "
                "stands before the first of them, and they are sent again by the next try."
            )

    def _recorder(self) -> Recorder:
        bench = self.bench
        return Recorder(bench.stream.name, bench.stream.object, bench.run.id, bench.identity, bench.reexport)

    def _abandon(self) -> None:
        with self.bench.lease.transaction():
            self.bench.batches.abandon([self.batch.id])

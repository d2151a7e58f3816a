"""The due errors of a stream as Bulk jobs: each job sends a range of them, in the order of their ids."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field

import psycopg

from include.export.bulk.jobs import RunJobs
from include.export.bulk.listed.settlement import settle_listed
from include.export.bulk.listed.upload import ListedUpload
from include.export.bulk.progress import Progress
from include.export.bulk.quota import BulkCredits
from include.export.bulk.results import Counts
from include.export.bulk.window_plan import UploadStopped
from include.export.bulk.window_sizer import WindowSizer
from include.export.ledger import JobBatch, Listing, find_reach
from include.export.options import JOB_BYTES, JOB_ROWS, REEXPORT_CREDIT_SHARE
from include.export.postgres import READ_TIMEOUTS
from include.export.record_sql import CsvForm
from include.export.run import RunContext
from include.export.salesforce import Unanswered, find_bulk_obstacle
from include.export.source import SourceListings, explain_shared_position

UPLOAD_TRIES = 3  # of a part whose upload fails or is planned again


@dataclass(frozen=True)
class Part:
    """The errors with ids above `after`, up to `last`; `rows` of them are due."""

    after: int
    last: int
    rows: int


@dataclass
class ListedErrors:
    """The Bulk jobs of one daily job; `wanted` are the values of `errors_due.sql` that select the due errors.

    Small requests send the rest: rows that CSV cannot represent, rows that are gone or above the watermark, and parts
    that are too small. `colliding_ids` are external ids that Salesforce would match to one record: their rows are
    rejected.
    """

    run: RunContext
    horizon: str
    wanted: Mapping[str, object]
    sizer: WindowSizer = field(init=False)
    credits: BulkCredits = field(init=False)
    colliding_ids: list[str] = field(default_factory=list, init=False)
    scan_texts: bool = field(default=False, init=False)
    reach: int = field(default=0, init=False)  # errors up to this id are sent, or are left to small requests

    def __post_init__(self) -> None:
        """Start from the usual size of a row; an upload that grows too large corrects it."""
        run, options = self.run, self.run.options
        row_bytes = JOB_BYTES / JOB_ROWS
        self.sizer = WindowSizer(run.stream.bulk_from or 1, options.job_bytes, None, row_bytes, options.part_rows)
        self.sizer.begin(small=False)
        self.credits = BulkCredits(run)

    def send(self) -> Iterator[Counts]:
        """Send one part after the other, each as a job that is settled before the next one; yields their counts.

        Raises RunFailure, and JobPending when Salesforce takes longer than the run may wait.
        """
        while part := self._find_part(self.reach):
            try:
                counts = self._send(part)
            except psycopg.DataError:
                reduced = self.sizer.reduce(part.rows)
            except psycopg.Error as error:
                if error.sqlstate not in READ_TIMEOUTS:
                    raise
                reduced = self.sizer.cap(part.rows)
            else:
                reduced = True
                if counts is not None:
                    self.sizer.grow()
                    yield counts
            if not reduced:
                self.reach = part.last

    def _find_part(self, after: int) -> Part | None:
        """Return the next part, None when it is too small for a job or cannot be sent as one."""
        stream = self.run.stream
        if stream.bulk_from is None or find_bulk_obstacle(stream):
            return None
        values = {**self.wanted, "stream": stream.name, "after_id": after, "limit": self.sizer.rows}
        found = find_reach(self.run.connection, values)
        if found is None or found[1] < self.sizer.smallest or not CsvForm(self.run.form).is_possible:
            return None
        return Part(after, *found) if self.credits.take(found[1], 1, REEXPORT_CREDIT_SHARE) else None

    def _send(self, part: Part) -> Counts | None:
        """Send a part and return its counts, None if it is left to small requests."""
        jobs = RunJobs(self.run, Progress(self.run.stream.name, lambda: part.rows, part.rows + 1))
        following: Part | None = part
        for tries_left in reversed(range(UPLOAD_TRIES)):
            if following is None:
                break
            part = following
            sent, following = self._try(jobs, part, is_last=not tries_left)
            if sent:
                self.reach = part.last
                return settle_listed(self.run, sent, jobs.progress)
        self.reach = part.last
        return None

    def _try(self, jobs: RunJobs, part: Part, *, is_last: bool) -> tuple[JobBatch | None, Part | None]:
        """Upload a part; returns its job, or the part to try next, or neither if it is left to small requests."""
        batch, listed = self._plan(jobs, part)
        if listed < self.sizer.smallest:
            jobs.abandon([batch])
            return None, None
        try:
            with _abandoned_if_broken(jobs, batch):
                return self._upload(jobs, batch, listed), None
        except UploadStopped as stopped:
            return None, self._learn(stopped, part)
        except Unanswered:
            if is_last:
                raise
            return None, part

    def _plan(self, jobs: RunJobs, part: Part) -> tuple[JobBatch, int]:
        """Write the ledger's line of a job with its manifest; returns it and the number of listed rows."""
        run, form = self.run, CsvForm(self.run.form)
        needs_collections = form.needs_collections(decided=False, scan_texts=self.scan_texts, colliding=False)
        statement = SourceListings(run.source).list_errors(run.form, needs_collections, run.watermark)
        values = {**self.wanted, "stream": run.stream.name, "after_id": part.after, "last_id": part.last,
                  "horizon": self.horizon, **run.watermark.as_values()}  # fmt: skip
        with run.lease.transaction():
            [batch] = jobs.write_plan(None, part.rows, parts=1)
            listing = Listing(run.connection, batch.id)
            listed = listing.fill(statement, values)
            self._check_keys(listing)
            return batch, self._take_out_colliding(listing, listed)

    def _check_keys(self, listing: Listing) -> None:
        """Raise ConfigurationFailure when two rows have one key."""
        doubled = None if self.run.source.relation.is_provable else listing.find_doubled()
        if doubled is not None:
            raise explain_shared_position(self.run.stream, doubled)

    def _take_out_colliding(self, listing: Listing, listed: int) -> int:
        """Leave rows whose ids match one record to small requests; returns how many rows remain listed."""
        identity = self.run.form.identity
        if not identity.may_collide:
            return listed
        found = listing.take_out_colliding(identity.fold_listed)
        self.colliding_ids += found
        return listing.count() if found else listed

    def _upload(self, jobs: RunJobs, batch: JobBatch, listed: int) -> JobBatch:
        opened = jobs.open_job(batch)
        body = ListedUpload(self.run, lambda rows: jobs.keep(opened, rows), opened, listed, self.scan_texts)
        with closing(body):
            jobs.calls.upload(str(opened.job_id), body.open)
        self.sizer.measure(body.row_bytes)
        return jobs.close_job(opened, body)

    def _learn(self, stopped: UploadStopped, part: Part) -> Part | None:
        """Return the part to send after an upload stopped itself, None when it is too small for a job."""
        if stopped.row_bytes is None:
            self.scan_texts = True
            return part
        self.sizer.shrink(part.rows, stopped.row_bytes)
        return self._find_part(part.after)


@contextmanager
def _abandoned_if_broken(jobs: RunJobs, batch: JobBatch) -> Generator[None]:
    """Abandon a job whose upload fails."""
    try:
        yield
    except (UploadStopped, Unanswered):
        jobs.abandon([batch])
        raise
    except psycopg.Error:
        with suppress(psycopg.Error):  # the run's own connection may be lost too; then the next run abandons the job
            jobs.abandon([batch])
        raise

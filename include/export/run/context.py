"""The context of a run: the lease of a stream and everything opened under it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from functools import partial

from include.export.batch import Batch
from include.export.ledger import (
    ExportBatches,
    ExportedVersions,
    ExportErrors,
    JobBatches,
    Lease,
    Outcome,
    Recorder,
    RunEntry,
    RunTotals,
    StreamState,
    count_calls_of_the_day,
)
from include.export.positions import Position
from include.export.postgres import Readers
from include.export.record_sql import RecordForm
from include.export.run.circuit_breaker import CircuitBreaker, check_error_count
from include.export.run.inputs import RunInputs
from include.export.run.object_description import describe_anew, describe_object
from include.export.run.request_size import RequestSize
from include.export.run.sender import Sender
from include.export.run.transmission import Sent
from include.export.salesforce import CollectionsTransport
from include.export.source import Source

log = logging.getLogger(__name__)


@dataclass
class RunContext(RunInputs):
    """A run under the lease of its stream, ready to plan, send and settle batches."""

    lease: Lease
    state: StreamState
    entry: RunEntry
    source: Source
    readers: Readers
    reexport: bool = False
    new_errors: int = 0
    job_id: str | None = None  # of the Bulk job that was still running when the run ended
    adopted_jobs: int = 0  # Bulk jobs of earlier runs that this run has adopted
    adopted_clean: bool = False  # whether the last adopted window was acknowledged to its end
    _form: RecordForm | None = None
    _sender: Sender | None = None
    counted: tuple[int, int] = field(default=(0, 0))  # API calls and bytes of the client that are in the ledger

    @property
    def batches(self) -> ExportBatches:
        """Return the ledger."""
        return ExportBatches(self.connection)

    @property
    def jobs(self) -> JobBatches:
        """Return the Bulk jobs of the ledger."""
        return JobBatches(self.connection)

    @property
    def errors(self) -> ExportErrors:
        """Return the export errors."""
        return ExportErrors(self.connection)

    @property
    def versions(self) -> ExportedVersions:
        """Return the versions in which rows were last exported."""
        return ExportedVersions(self.connection, self.stream.name)

    @property
    def form(self) -> RecordForm:
        """Return the form of the stream's records; at first use Salesforce may be asked to describe the object."""
        if self._form is None:
            schema = describe_object(self.stream, self.lease, self.state, self.client)
            self._form = RecordForm(self.stream, schema, self.source.columns)
        return self._form

    @property
    def sender(self) -> Sender:
        """Return the sender of the stream's batches."""
        if self._sender is None:
            self._sender = Sender(
                CollectionsTransport(self.stream, self.client, self.form.identity.field),
                self.catalogue,
                self.options.transient_delays,
                RequestSize.start(
                    self.stream.name,
                    self.options.batch_size,
                    self.state.request_rows,
                    partial(_keep_request_rows, self),
                ),
                CircuitBreaker(
                    self.stream,
                    self.catalogue,
                    lambda keys: self.errors.find_codes(self.stream.name, keys),
                    lambda: describe_anew(self.stream, self.client),
                ),
                self.options.requests_in_flight if self.form.may_divide else 1,
                self.options.uses_threads,
            )
        return self._sender

    def count_batch_rows(self, *, stops: bool, share: float = 1.0) -> int:
        """Return the maximum of rows in a batch.

        A batch that `stops` at a rejected row is one request. Any other batch fills all concurrent requests, if
        `share` of the daily API limit allows them, but has no more rows than `max_errors` still allows to be rejected.
        """
        requests, size = 1 if stops else self.sender.requests_in_flight, self.sender.size
        if requests == 1 or not self.has_credits(share, requests * self.sender.transport.calls_of_a_request):
            return self.options.batch_size
        most = min(size.rows * requests, size.planned, self.stream.max_errors - self.new_errors)
        return max(most, self.options.batch_size)

    @property
    def watermark(self) -> Position:
        """Return the watermark of a stream that has exported something."""
        assert self.state.watermark is not None  # noqa: S101 - the callers ask for it first
        return self.state.watermark

    def send_batch(self, batch: Batch, *, stop_at_rejection: bool) -> Sent:
        """Send a planned batch; raises CircuitFailure when the run has found too many new errors."""
        sent = self.sender.send_batch(batch, stop_at_rejection=stop_at_rejection)
        self.new_errors += len(sent.rejections)
        check_error_count(self.stream, self.new_errors)
        return sent

    def settle(self, batch: Batch, sent: Sent, *, move: bool, again: bool = False) -> None:
        """Write the outcome of a batch in one transaction: errors, resolutions, watermark, stop, counts.

        `again` is for records of a Bulk job that were retried: their outcomes are counted with the job.
        """
        calls, bytes_sent = self.take_counts()
        recorder = Recorder(self.stream.name, self.stream.object, self.entry.id, self.identity, self.reexport)
        with self.lease.transaction():
            recorded = self.errors.record(recorder, batch, list(sent.rejections.values())) if sent.rejections else {}
            if sent.accepted:
                accepted = sorted(sent.accepted)
                self.errors.resolve(self.stream.name, batch, accepted, self.entry.id, self.identity.dag_id)
            if move:
                _move(self, batch, sent, recorded)
            answered = [] if move else sorted(sent.accepted | set(sent.rejections))
            self.versions.note(batch.id, last=sent.acknowledged if move else 0, ordinals=answered)
            self.batches.settle(batch, self.lease.epoch, accepted=len(sent.accepted), rejected=len(sent.rejections))
            self.entry.count(
                rows_changed=0 if again else len(batch.rows),
                rows_sent=len(sent.transmitted),
                accepted=0 if again else len(sent.accepted),
                rejected=0 if again else len(sent.rejections),
                api_calls=calls,
                bytes_sent=bytes_sent,
            )
        if move and sent.acknowledged:
            self.state = replace(self.state, watermark=self.lease.read_watermark())

    def end(
        self, outcome: Outcome, message: str, *, waiting: int | None = None, failure: str | None = None
    ) -> RunTotals:
        """Close the line of the run."""
        calls, bytes_sent = self.take_counts()
        return self.entry.end(
            outcome, message, api_calls=calls, bytes_sent=bytes_sent, waiting=waiting, failure=failure
        )

    def has_credits(self, share: float = 1.0, calls: int = 1) -> bool:
        """Return whether the share of the daily API limit and the org's own remaining calls allow `calls` more."""
        used = count_calls_of_the_day(self.connection, self.stream.name) + self.client.api_calls - self.counted[0]
        usage = self.client.usage
        org_allows = usage is None or usage.used + calls <= usage.most
        return org_allows and used + calls <= self.options.daily_api_limit * share

    def take_counts(self) -> tuple[int, int]:
        """Return the API calls and bytes since they were last taken."""
        calls, sent = self.client.api_calls - self.counted[0], self.client.bytes_sent - self.counted[1]
        self.counted = (self.client.api_calls, self.client.bytes_sent)
        return calls, sent


def _move(run: RunContext, batch: Batch, sent: Sent, recorded: dict[int, int]) -> None:
    if sent.acknowledged:
        run.lease.move_watermark(batch.id, sent.acknowledged)
    run.lease.stop_at(None if sent.stopped_at is None else recorded[sent.stopped_at])


def _keep_request_rows(run: RunContext, rows: int | None) -> None:
    with run.lease.transaction():
        run.lease.keep_request_rows(rows)

"""Sending one batch: up to the first rejected record, or past rejected ones; transient rejections are retried."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from include.export.batch import SUPERSEDED, Batch, Row
from include.export.run.circuit_breaker import CircuitBreaker
from include.export.run.lanes import divide_rows
from include.export.run.request_size import RequestSize
from include.export.run.transmission import Requests, Sent, list_rejections
from include.export.salesforce import (
    NOT_SENT,
    ROLLED_BACK,
    Catalogue,
    CollectionsTransport,
    ConcurrentRequests,
    ErrorClass,
    Rejection,
    RequestOutcome,
    RequestTooLarge,
    Result,
    Unanswered,
    reject_locally,
)

log = logging.getLogger(__name__)


@dataclass
class Sender:
    """Sends batches of one stream. `delays` are the seconds before each retry of a transient rejection."""

    transport: CollectionsTransport
    catalogue: Catalogue
    delays: tuple[float, ...]
    size: RequestSize
    breaker: CircuitBreaker
    requests_in_flight: int = 1  # of one batch that does not stop at a rejected record
    threads: bool = True  # for the requests that are in flight together

    @cached_property
    def requests(self) -> Requests:
        """Return the sender of single requests."""
        return Requests(self.transport)

    @cached_property
    def concurrent(self) -> ConcurrentRequests:
        """Return the sender of requests that are in flight at the same time."""
        return ConcurrentRequests(self.transport, self.threads)

    def send_batch(self, batch: Batch, *, stop_at_rejection: bool) -> Sent:
        """Send a batch. With `stop_at_rejection` nothing after the first rejected record reaches Salesforce.

        Raises RunFailure when no record is to blame: nothing of the batch may be acknowledged then.
        """
        sent = Sent()
        self.size.note(batch.rows)
        if stop_at_rejection:
            self._send_in_order(batch, sent)
        else:
            self._send_each(batch, sent)
        return sent

    def _send_in_order(self, batch: Batch, sent: Sent) -> None:
        local = next((row for row in batch.rows if row.is_rejected_locally), None)
        reach = [row for row in batch.rows if local is None or row.ordinal < local.ordinal]
        sent.accepted |= {row.ordinal for row in reach if row.verdict == SUPERSEDED}
        stop = self._until_rejected(batch.action, [row for row in reach if row.verdict is None], sent)
        if stop is None and local is not None:
            sent.rejections[local.ordinal] = reject_locally(self.catalogue, local.ordinal, str(local.verdict))
            stop = local.ordinal
        sent.stopped_at = stop
        sent.acknowledged = len(batch.rows) if stop is None else stop - 1
        sent.accepted = {ordinal for ordinal in sent.accepted if ordinal <= sent.acknowledged}
        sent.forget_busy_behind(stop)

    def _until_rejected(self, action: str, rows: Sequence[Row], sent: Sent) -> int | None:
        """Send rows in order, in as many requests as needed, up to the first rejected row; returns its ordinal."""
        while rows:
            part = rows[: self.size.take(rows)]
            stop = self._send_atomically(action, part, sent)
            if stop is not None:
                return stop
            rows = rows[len(part) :]
        return None

    def _send_atomically(self, action: str, rows: Sequence[Row], sent: Sent) -> int | None:
        """Send rows as one transaction; after a rejection, send the rows before it again. Returns its ordinal."""
        try:
            results = self._try_atomically(action, rows, sent)
        except (Unanswered, RequestTooLarge) as failure:
            self._shrink(rows, failure, sent)
            return self._until_rejected(action, rows, sent)
        rejected = self._judge(results, sent)
        if not rejected:
            sent.accepted |= {row.ordinal for row in rows}
            self.size.grow(len(rows))
            return None
        first = rejected[0]
        if first.verdict.smaller_batch and len(rows) > 1:
            return self._in_halves(action, rows, sent)
        before = [row for row in rows if row.ordinal < first.ordinal]
        return self._until_rejected(action, before, sent) or first.ordinal

    def _in_halves(self, action: str, rows: Sequence[Row], sent: Sent) -> int | None:
        self.size.shrink(len(rows), "a limit that is counted per request", certain=False)
        middle = len(rows) // 2
        stop = self._send_atomically(action, rows[:middle], sent)
        return stop if stop is not None else self._send_atomically(action, rows[middle:], sent)

    def _try_atomically(self, action: str, rows: Sequence[Row], sent: Sent) -> list[Result]:
        for delay in (*self.delays, None):
            results = self.requests.transmit(action, rows, sent, all_or_none=True)
            first = next((result for result in results if result.code not in {"", ROLLED_BACK, NOT_SENT}), None)
            if first is None or delay is None or not _is_transient(self.catalogue, first):
                break
            _wait(delay, 1)
        return results

    def _send_each(self, batch: Batch, sent: Sent) -> None:
        sent.accepted |= {row.ordinal for row in batch.rows if row.verdict == SUPERSEDED}
        for row in batch.rows:
            if row.is_rejected_locally:
                sent.rejections[row.ordinal] = reject_locally(self.catalogue, row.ordinal, str(row.verdict))
        self._side_by_side(batch.action, [row for row in batch.rows if row.verdict is None], sent)
        sent.acknowledged = len(batch.rows)

    def _side_by_side(self, action: str, rows: Sequence[Row], sent: Sent) -> None:
        """Send rows in several concurrent requests, those of one parent in the same request or one after the other."""
        waiting = divide_rows(rows, self.size.rows) if self.requests_in_flight > 1 else [list(rows)]
        divided = len(waiting) > 1
        while len(waiting) > 1:
            lanes, waiting = waiting[: self.requests_in_flight], waiting[self.requests_in_flight :]
            parts = [lane[: self.size.take(lane)] for lane in lanes]
            outcomes = self.concurrent.transmit(action, parts)
            _check_together(self.breaker, self.catalogue, outcomes)
            for part, outcome in zip(parts, outcomes, strict=True):
                self._send_part(action, part, sent, outcome)
            unsent = [lane[len(part) :] for lane, part in zip(lanes, parts, strict=True)]
            waiting = [lane for lane in unsent if lane] + waiting
        for lane in waiting:
            self._past_rejected(action, lane, sent)
        if divided:  # a parent or the former owner of a unique value may have been in another request
            late = [row for row in rows if _depends_on_others(sent.rejections.get(row.ordinal))]
            self._past_rejected(action, late, sent)

    def _past_rejected(self, action: str, rows: Sequence[Row], sent: Sent) -> None:
        """Send rows in as many requests as needed; in each, Salesforce commits the accepted ones."""
        while rows:
            part = rows[: self.size.take(rows)]
            self._send_part(action, part, sent)
            rows = rows[len(part) :]

    def _send_part(self, action: str, rows: Sequence[Row], sent: Sent, outcome: RequestOutcome | None = None) -> None:
        """Send rows in one request, or use its `outcome`; transient rejections are retried without the other rows."""
        remaining = list(rows)
        for delay in (*self.delays, None):
            if not remaining:
                return
            concurrent, asked = outcome is not None and outcome.exception() is None, outcome
            outcome = None
            try:
                results = self.requests.transmit(action, remaining, sent, asked, all_or_none=False)
            except (Unanswered, RequestTooLarge) as failure:
                self._shrink(remaining, failure, sent)
                self._past_rejected(action, remaining, sent)
                return
            sent.accepted |= {result.row.ordinal for result in results if result.accepted}
            rejected = self._judge(results, sent, checked=concurrent)
            again = {each.ordinal for each in rejected if each.verdict.error_class is ErrorClass.TRANSIENT}
            halves = {each.ordinal for each in rejected if each.verdict.smaller_batch}
            # a concurrent request was sent before another one may have been found too large
            if not halves and not (concurrent and len(remaining) > self.size.rows):
                self.size.grow(len(remaining))
            self._divide(action, [row for row in remaining if row.ordinal in halves], len(remaining), sent)
            remaining = [row for row in remaining if row.ordinal in again - halves]
            if remaining and delay is not None:
                _wait(delay, len(remaining))

    def _divide(self, action: str, rows: Sequence[Row], asked: int, sent: Sent) -> None:
        if not rows or asked == 1:
            return
        self.size.shrink(asked, "a limit that is counted per request", certain=False)
        middle = max(1, len(rows) // 2)
        for half in (rows[:middle], rows[middle:]):
            if half:
                self._send_part(action, half, sent)

    def _shrink(self, rows: Sequence[Row], failure: Unanswered | RequestTooLarge, sent: Sent) -> None:
        """Make the next requests smaller; raises the failure of a single row, or of a request that was never sent."""
        if len(rows) == 1 or (isinstance(failure, Unanswered) and not failure.left):
            raise failure
        if isinstance(failure, Unanswered):
            sent.unanswered |= {row.ordinal for row in rows}
        certain = isinstance(failure, RequestTooLarge) or not failure.in_time
        self.size.shrink(len(rows), "it was too large" if isinstance(failure, RequestTooLarge) else "no answer",
                         certain=certain)  # fmt: skip

    def _judge(self, results: Sequence[Result], sent: Sent, *, checked: bool = False) -> list[Rejection]:
        """Return the rejections of an answer and store them, without those of records that were accepted since.

        Raises a RunFailure when they are not the records' fault, unless that was `checked` before.
        """
        for result in results:
            if result.accepted:
                sent.rejections.pop(result.row.ordinal, None)
        rejected = list_rejections(self.catalogue, results)
        if rejected and not checked:
            self.breaker.check([result for result in results if result.code != NOT_SENT], rejected)
        sent.rejections.update({each.ordinal: each for each in rejected})
        return rejected


def _check_together(breaker: CircuitBreaker, catalogue: Catalogue, outcomes: Sequence[RequestOutcome]) -> None:
    """Raise a RunFailure for the answers of concurrent requests together: one may hold one parent's rows only."""
    answered = [outcome.result() for outcome in outcomes if outcome.exception() is None]
    results = sorted((result for each in answered for result in each), key=lambda result: result.row.ordinal)
    rejected = list_rejections(catalogue, results)
    if rejected:
        breaker.check(results, rejected)


def _depends_on_others(rejection: Rejection | None) -> bool:
    """Return whether the order in which other records were saved may be why a record was rejected."""
    return rejection is not None and rejection.verdict.error_class in {ErrorClass.PARENT, ErrorClass.DUPLICATE}


def _wait(delay: float, records: int) -> None:
    log.info("%d records are locked or busy in Salesforce; they are retried in about %g s", records, delay)
    time.sleep(delay * random.uniform(0.8, 1.2))  # noqa: S311 - jitter, not a secret


def _is_transient(catalogue: Catalogue, result: Result) -> bool:
    verdict = catalogue.classify(result.code, result.message)
    return verdict.error_class is ErrorClass.TRANSIENT and not verdict.smaller_batch

"""Sending one batch: until the first rejected record, or past the rejected ones; what is transient is retried."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from include.export.batch import SUPERSEDED, Batch, Row
from include.export.run.circuit_breaker import CircuitBreaker
from include.export.run.request_size import RequestSize
from include.export.salesforce import (
    NOT_SENT,
    ROLLED_BACK,
    Catalogue,
    CollectionsTransport,
    ErrorClass,
    Rejection,
    RequestRejected,
    RequestTooLarge,
    Result,
    Unanswered,
    judge_rejection,
    reject_locally,
)

log = logging.getLogger(__name__)


@dataclass
class Sent:
    """What happened to a batch: ordinals that Salesforce has, rejections seen, and how far it may be acknowledged."""

    accepted: set[int] = field(default_factory=set)
    rejections: dict[int, Rejection] = field(default_factory=dict)
    transmitted: set[int] = field(default_factory=set)
    unanswered: set[int] = field(default_factory=set)  # in a request that may have been executed all the same
    acknowledged: int = 0  # the last ordinal up to which every row is accepted or knowingly passed over
    stopped_at: int | None = None


@dataclass(frozen=True)
class Sender:
    """Sends batches of one stream. `delays` are the seconds before each new attempt of what is transient."""

    transport: CollectionsTransport
    catalogue: Catalogue
    delays: tuple[float, ...]
    size: RequestSize
    breaker: CircuitBreaker

    def send_batch(self, batch: Batch, *, stop_at_rejection: bool) -> Sent:
        """Send a batch. With `stop_at_rejection` nothing behind the first rejected record reaches Salesforce.

        Raises RunFailure when it is not the records: nothing of the batch may be acknowledged then.
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
        for ordinal in _busy_behind(sent, stop):
            del sent.rejections[ordinal]

    def _until_rejected(self, action: str, rows: Sequence[Row], sent: Sent) -> int | None:
        """Send rows in order, in requests that Salesforce takes, up to the first rejected one; returns its ordinal."""
        while rows:
            part = rows[: self.size.take(rows)]
            stop = self._send_atomically(action, part, sent)
            if stop is not None:
                return stop
            rows = rows[len(part) :]
        return None

    def _send_atomically(self, action: str, rows: Sequence[Row], sent: Sent) -> int | None:
        """Send rows as a whole; at a rejection send the clean ones before it again. Returns the rejected ordinal."""
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
            results = self._transmit(action, rows, sent, all_or_none=True)
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
        self._past_rejected(batch.action, [row for row in batch.rows if row.verdict is None], sent)
        sent.acknowledged = len(batch.rows)

    def _past_rejected(self, action: str, rows: Sequence[Row], sent: Sent) -> None:
        """Send rows in requests that Salesforce takes, so that the good ones are committed."""
        while rows:
            part = rows[: self.size.take(rows)]
            self._send_part(action, part, sent)
            rows = rows[len(part) :]

    def _send_part(self, action: str, rows: Sequence[Row], sent: Sent) -> None:
        """Send rows of one request; transient rejections are retried, alone."""
        remaining = list(rows)
        for delay in (*self.delays, None):
            if not remaining:
                return
            try:
                results = self._transmit(action, remaining, sent, all_or_none=False)
            except (Unanswered, RequestTooLarge) as failure:
                self._shrink(remaining, failure, sent)
                self._past_rejected(action, remaining, sent)
                return
            sent.accepted |= {result.row.ordinal for result in results if result.accepted}
            rejected = self._judge(results, sent)
            again = {each.ordinal for each in rejected if each.verdict.error_class is ErrorClass.TRANSIENT}
            halves = {each.ordinal for each in rejected if each.verdict.smaller_batch}
            if not halves:
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
        """Let the next requests hold fewer rows; raises the failure of a single row, or of one that never left."""
        if len(rows) == 1 or (isinstance(failure, Unanswered) and not failure.left):
            raise failure
        if isinstance(failure, Unanswered):
            sent.unanswered |= {row.ordinal for row in rows}
        certain = isinstance(failure, RequestTooLarge) or not failure.in_time
        self.size.shrink(len(rows), "it was too large" if isinstance(failure, RequestTooLarge) else "no answer",
                         certain=certain)  # fmt: skip

    def _transmit(self, action: str, rows: Sequence[Row], sent: Sent, *, all_or_none: bool) -> list[Result]:
        """Send rows; a request rejected for its content is divided until the rejected record is alone."""
        repeated = any(row.ordinal in sent.unanswered for row in rows)
        try:
            results = self.transport.transmit(action, rows, all_or_none=all_or_none, repeated=repeated)
        except RequestRejected as rejected:
            results = self._find_rejected(action, rows, sent, rejected, all_or_none=all_or_none)
        sent.transmitted |= {row.ordinal for row in rows}
        return results

    def _find_rejected(
        self, action: str, rows: Sequence[Row], sent: Sent, rejected: RequestRejected, *, all_or_none: bool
    ) -> list[Result]:
        if len(rows) == 1:
            return [Result(rows[0], rejected.code, rejected.message, whole_request=True)]
        middle = len(rows) // 2
        first = self._transmit(action, rows[:middle], sent, all_or_none=all_or_none)
        if all_or_none and not all(result.accepted for result in first):
            return first + [Result(row, NOT_SENT) for row in rows[middle:]]
        return first + self._transmit(action, rows[middle:], sent, all_or_none=all_or_none)

    def _judge(self, results: Sequence[Result], sent: Sent) -> list[Rejection]:
        """Keep the rejections of an answer, forget those of records that were accepted since; returns the rejections.

        Raises a RunFailure when they are not the records' fault.
        """
        rejected = []
        for result in results:
            if result.accepted:
                sent.rejections.pop(result.row.ordinal, None)
            elif result.code not in {ROLLED_BACK, NOT_SENT}:
                rejected.append(self._rejection(result))
        if rejected:
            self.breaker.check([result for result in results if result.code != NOT_SENT], rejected)
        sent.rejections.update({each.ordinal: each for each in rejected})
        return rejected

    def _rejection(self, result: Result) -> Rejection:
        if result.code.startswith("CRM_EXPORT_"):
            return reject_locally(self.catalogue, result.row.ordinal, result.code)
        return judge_rejection(
            self.catalogue,
            result.row.ordinal,
            result.code,
            result.message,
            result.fields,
            result.salesforce_id,
        )


def _busy_behind(sent: Sent, stop: int | None) -> list[int]:
    """Return rejections behind the stop that are transient: the next run will see."""
    return [
        ordinal
        for ordinal, rejection in sent.rejections.items()
        if ordinal != stop and rejection.verdict.error_class is ErrorClass.TRANSIENT
    ]


def _wait(delay: float, records: int) -> None:
    log.info("%d records are locked or busy in Salesforce; they are retried in about %g s", records, delay)
    time.sleep(delay * random.uniform(0.8, 1.2))  # noqa: S311 - jitter, not a secret


def _is_transient(catalogue: Catalogue, result: Result) -> bool:
    verdict = catalogue.classify(result.code, result.message)
    return verdict.error_class is ErrorClass.TRANSIENT and not verdict.smaller_batch

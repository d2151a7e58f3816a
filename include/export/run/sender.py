"""Sending one batch: until the first refused record, or past the refused ones; what clears by itself is tried again."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from include.export.batch import SET_ASIDE, SUPERSEDED, Batch, Row
from include.export.run.circuit_breaker import check_circuit
from include.export.salesforce import (
    ROLLED_BACK,
    Catalogue,
    CollectionsTransport,
    ErrorClass,
    Rejection,
    RequestRejected,
    Result,
    judge_rejection,
    reject_locally,
)

log = logging.getLogger(__name__)


@dataclass
class Sent:
    """What became of a batch: ordinals that Salesforce has, refusals seen, and how far it may be acknowledged."""

    accepted: set[int] = field(default_factory=set)
    rejections: dict[int, Rejection] = field(default_factory=dict)
    transmitted: set[int] = field(default_factory=set)
    acknowledged: int = 0  # the last ordinal up to which every row is accepted or knowingly passed over
    stopped_at: int | None = None


@dataclass(frozen=True)
class Sender:
    """Sends batches of one stream. `delays` are the seconds before each new try of what clears by itself."""

    transport: CollectionsTransport
    catalogue: Catalogue
    delays: tuple[float, ...]

    def send_batch(self, batch: Batch, *, stop_at_refusal: bool) -> Sent:
        """Send a batch. With `stop_at_refusal` nothing behind the first refused record reaches Salesforce.

        Raises RunFailure when it is not the records: nothing of the batch may be acknowledged then.
        """
        sent = Sent()
        if stop_at_refusal:
            self._send_in_order(batch, sent)
        else:
            self._send_each(batch, sent)
        return sent

    def _send_in_order(self, batch: Batch, sent: Sent) -> None:
        local = next((row for row in batch.rows if row.is_rejected_locally), None)
        reach = [row for row in batch.rows if local is None or row.ordinal < local.ordinal]
        sent.accepted |= {row.ordinal for row in reach if row.verdict == SUPERSEDED}
        stop = self._until_refused(batch.action, [row for row in reach if row.verdict is None], sent)
        if stop is None and local is not None:
            sent.rejections[local.ordinal] = reject_locally(self.catalogue, local.ordinal, str(local.verdict))
            stop = local.ordinal
        sent.stopped_at = stop
        sent.acknowledged = len(batch.rows) if stop is None else stop - 1
        sent.accepted = {ordinal for ordinal in sent.accepted if ordinal <= sent.acknowledged}
        for ordinal in _busy_behind(sent, stop):
            del sent.rejections[ordinal]

    def _until_refused(self, action: str, rows: Sequence[Row], sent: Sent) -> int | None:
        """Send rows atomically; at a refusal send the clean rows before it again. Returns the refused ordinal."""
        if not rows:
            return None
        results = self._try_atomically(action, rows, sent)
        rejected = self._judge(results, sent)
        if not rejected:
            sent.accepted |= {row.ordinal for row in rows}
            return None
        check_circuit(self.transport.stream, rejected, len(rows), self.catalogue)
        first = rejected[0]
        if first.verdict.smaller_batch and len(rows) > 1:
            return self._in_halves(action, rows, sent)
        before = [row for row in rows if row.ordinal < first.ordinal]
        return self._until_refused(action, before, sent) or first.ordinal

    def _in_halves(self, action: str, rows: Sequence[Row], sent: Sent) -> int | None:
        log.info(
            "Sending %d records in halves: Salesforce ran out of a limit that is counted per request",
            len(rows),
        )
        middle = len(rows) // 2
        stop = self._until_refused(action, rows[:middle], sent)
        return stop if stop is not None else self._until_refused(action, rows[middle:], sent)

    def _try_atomically(self, action: str, rows: Sequence[Row], sent: Sent) -> list[Result]:
        for delay in (*self.delays, None):
            results = self._transmit(action, rows, sent, all_or_none=True)
            first = next((result for result in results if result.code not in {"", ROLLED_BACK}), None)
            if first is None or delay is None or not self._is_transient(first):
                break
            self._wait(delay, 1)
        return results

    def _send_each(self, batch: Batch, sent: Sent) -> None:
        sent.accepted |= {row.ordinal for row in batch.rows if row.verdict == SUPERSEDED}
        for row in batch.rows:
            if row.is_rejected_locally:
                sent.rejections[row.ordinal] = reject_locally(self.catalogue, row.ordinal, str(row.verdict))
        self._past_refused(batch.action, [row for row in batch.rows if row.verdict is None], sent)
        sent.acknowledged = len(batch.rows)

    def _past_refused(self, action: str, rows: Sequence[Row], sent: Sent) -> None:
        """Send rows so that the good ones are committed; transient refusals are tried again, alone."""
        remaining = list(rows)
        for delay in (*self.delays, None):
            if not remaining:
                return
            results = self._transmit(action, remaining, sent, all_or_none=False)
            sent.accepted |= {result.row.ordinal for result in results if result.accepted}
            rejected = self._judge(results, sent)
            check_circuit(self.transport.stream, rejected, len(remaining), self.catalogue)
            again = {refusal.ordinal for refusal in rejected if refusal.verdict.error_class is ErrorClass.TRANSIENT}
            halves = {refusal.ordinal for refusal in rejected if refusal.verdict.smaller_batch}
            self._divide(action, [row for row in remaining if row.ordinal in halves], len(remaining), sent)
            remaining = [row for row in remaining if row.ordinal in again - halves]
            if remaining and delay is not None:
                self._wait(delay, len(remaining))

    def _divide(self, action: str, rows: Sequence[Row], asked: int, sent: Sent) -> None:
        if not rows or asked == 1:
            return
        middle = max(1, len(rows) // 2)
        self._past_refused(action, rows[:middle], sent)
        self._past_refused(action, rows[middle:], sent)

    def _transmit(self, action: str, rows: Sequence[Row], sent: Sent, *, all_or_none: bool) -> list[Result]:
        """Send rows; a request refused for its content is divided until the rejected record is alone."""
        try:
            results = self.transport.transmit(action, rows, all_or_none=all_or_none)
        except RequestRejected as refused:
            results = self._find_rejected(action, rows, sent, refused, all_or_none=all_or_none)
        sent.transmitted |= {row.ordinal for row in rows}
        return results

    def _find_rejected(
        self, action: str, rows: Sequence[Row], sent: Sent, refused: RequestRejected, *, all_or_none: bool
    ) -> list[Result]:
        if len(rows) == 1:
            return [Result(rows[0], refused.code, refused.message)]
        middle = len(rows) // 2
        first = self._transmit(action, rows[:middle], sent, all_or_none=all_or_none)
        if all_or_none and not all(result.accepted for result in first):
            return first + [Result(row, ROLLED_BACK) for row in rows[middle:]]
        return first + self._transmit(action, rows[middle:], sent, all_or_none=all_or_none)

    def _judge(self, results: Sequence[Result], sent: Sent) -> list[Rejection]:
        """Keep the refusals of an answer, forget those of records that were accepted since; returns the refusals."""
        rejected = []
        for result in results:
            if result.accepted:
                sent.rejections.pop(result.row.ordinal, None)
            elif result.code != ROLLED_BACK:
                rejected.append(self._rejection(result))
        sent.rejections.update({refusal.ordinal: refusal for refusal in rejected})
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

    def _is_transient(self, result: Result) -> bool:
        verdict = self.catalogue.classify(result.code, result.message)
        return verdict.error_class is ErrorClass.TRANSIENT and not verdict.smaller_batch

    def _wait(self, delay: float, records: int) -> None:
        log.info("%d records are locked or busy in Salesforce; trying them again in about %g s", records, delay)
        time.sleep(delay * random.uniform(0.8, 1.2))  # ruff: ignore[suspicious-non-cryptographic-random-usage] - jitter, not a secret


def _busy_behind(sent: Sent, stop: int | None) -> list[int]:
    """Return refusals behind the stop that may clear by themselves: the next run will see."""
    return [
        ordinal
        for ordinal, refusal in sent.rejections.items()
        if ordinal != stop and refusal.verdict.error_class is ErrorClass.TRANSIENT
    ]


def passed_over(batch: Batch) -> set[int]:
    """Return the ordinals that an operator decided to go on without."""
    return {row.ordinal for row in batch.rows if row.verdict == SET_ASIDE}

"""The requests of a batch and the outcomes of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from include.export.batch import Row
from include.export.salesforce import (
    NOT_SENT,
    ROLLED_BACK,
    Catalogue,
    CollectionsTransport,
    ErrorClass,
    Rejection,
    RequestOutcome,
    RequestRejected,
    Result,
    judge_rejection,
    may_be_executed,
    may_pass_alone,
    reject_locally,
)


@dataclass
class Sent:
    """The outcome of a batch so far: accepted ordinals, rejections, and how far the batch may be acknowledged."""

    accepted: set[int] = field(default_factory=set)
    rejections: dict[int, Rejection] = field(default_factory=dict)
    transmitted: set[int] = field(default_factory=set)
    unanswered: set[int] = field(default_factory=set)  # in a request that may have been executed without an answer
    acknowledged: int = 0  # the ordinal up to which every row was accepted, or its rejection does not stop the stream
    stopped_at: int | None = None

    def forget_busy_behind(self, stop: int | None) -> None:
        """Drop transient rejections after the stop: the next run sends these rows again."""
        self.rejections = {
            ordinal: rejection
            for ordinal, rejection in self.rejections.items()
            if ordinal == stop or rejection.verdict.error_class is not ErrorClass.TRANSIENT
        }


@dataclass(frozen=True)
class Requests:
    """Sends requests of one stream, one at a time."""

    transport: CollectionsTransport

    def transmit(
        self, action: str, rows: Sequence[Row], sent: Sent, outcome: RequestOutcome | None = None, *, all_or_none: bool
    ) -> list[Result]:
        """Send rows; a request rejected for its content is divided until the rejected record is alone."""
        try:
            results = self._ask(action, rows, sent, outcome, all_or_none=all_or_none)
        except RequestRejected as rejected:
            results = self._find_rejected(action, rows, sent, rejected, all_or_none=all_or_none)
        sent.transmitted |= {row.ordinal for row in rows}
        return results

    def _ask(
        self, action: str, rows: Sequence[Row], sent: Sent, outcome: RequestOutcome | None, *, all_or_none: bool
    ) -> list[Result]:
        """Return the answer of a concurrent request, or of one that is sent now."""
        failure = outcome.exception() if outcome else None
        if outcome and not may_pass_alone(failure, len(rows)):
            return outcome.result()
        if failure is not None and may_be_executed(failure):
            sent.unanswered |= {row.ordinal for row in rows}
        repeated = any(row.ordinal in sent.unanswered for row in rows)
        return self.transport.transmit(action, rows, all_or_none=all_or_none, repeated=repeated)

    def _find_rejected(
        self, action: str, rows: Sequence[Row], sent: Sent, rejected: RequestRejected, *, all_or_none: bool
    ) -> list[Result]:
        if len(rows) == 1:
            return [Result(rows[0], rejected.code, rejected.message, whole_request=True)]
        middle = len(rows) // 2
        first = self.transmit(action, rows[:middle], sent, all_or_none=all_or_none)
        if all_or_none and not all(result.accepted for result in first):
            return first + [Result(row, NOT_SENT) for row in rows[middle:]]
        return first + self.transmit(action, rows[middle:], sent, all_or_none=all_or_none)


def list_rejections(catalogue: Catalogue, results: Sequence[Result]) -> list[Rejection]:
    """Return the rejections of an answer, without records that were rolled back or not sent."""
    return [
        _read_rejection(catalogue, result)
        for result in results
        if not result.accepted and result.code not in {ROLLED_BACK, NOT_SENT}
    ]


def _read_rejection(catalogue: Catalogue, result: Result) -> Rejection:
    if result.code.startswith("CRM_EXPORT_"):
        return reject_locally(catalogue, result.row.ordinal, result.code)
    return judge_rejection(
        catalogue, result.row.ordinal, result.code, result.message, result.fields, result.salesforce_id
    )

"""The circuit breaker: it fails the run when nearly all records are rejected for a reason that is not the records'."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from include.export.batch import Row
from include.export.failures import CircuitFailure, ConfigurationFailure, QuotaFailure, RunFailure, SalesforceFailure
from include.export.salesforce import Catalogue, ErrorClass, FailureKind, RejectedClass, Rejection, Result
from include.export.streams import Stream

MIN_RECORDS_TO_TRIP = 20  # systemic rejections in a row; fewer may well be the records' fault
NEARLY_ALL = 0.9  # share of the records of a request
SHOWN_SAMPLES = 3
_SYSTEMIC = frozenset({ErrorClass.STRUCTURAL, ErrorClass.UNKNOWN})
# rejections that the object's description confirms or refutes
_FIELD_CODES = frozenset({"INVALID_FIELD", "INVALID_FIELD_FOR_INSERT_UPDATE", "INVALID_TYPE"})


@dataclass
class CircuitBreaker:
    """Judges the requests of one run.

    `find_known` returns the codes that ExportErrors already has for records of the stream, by key: a code that a
    record had before is no evidence against the run. `describe` raises ConfigurationFailure when the object does not
    match the stream file.
    """

    stream: Stream
    catalogue: Catalogue
    find_known: Callable[[Sequence[str]], Mapping[str, str]]
    describe: Callable[[], object]
    _in_a_row: int = field(default=0, init=False)  # systemic rejections since a record was accepted
    _described: bool = field(default=False, init=False)

    def check(self, results: Sequence[Result], rejections: Sequence[Rejection]) -> None:
        """Raise a RunFailure when the rejections of a request are not the records' fault.

        `results` are those of the records that Salesforce has processed.
        """
        fresh = self._leave_out_known(results, rejections)
        judged = len(results) - (len(rejections) - len(fresh))
        run_level = [each for each in fresh if each.verdict.error_class is ErrorClass.RUN_LEVEL]
        if is_nearly_all(len(run_level), judged) and not self._is_of_the_record(results, run_level):
            raise self._fail(results, run_level, judged)
        systemic = [each for each in fresh if each.verdict.error_class in _SYSTEMIC]
        self._in_a_row = self._in_a_row + len(systemic) if judged and len(systemic) == judged else 0
        if self._in_a_row >= MIN_RECORDS_TO_TRIP:
            raise self._fail(results, systemic, judged)

    def _leave_out_known(self, results: Sequence[Result], rejections: Sequence[Rejection]) -> list[Rejection]:
        suspects = [each for each in rejections if each.verdict.error_class in {*_SYSTEMIC, ErrorClass.RUN_LEVEL}]
        if not suspects:
            return list(rejections)
        keys = {result.row.ordinal: result.row.key for result in results}
        known = self.find_known([keys[each.ordinal] for each in suspects])
        return [each for each in rejections if known.get(keys[each.ordinal]) != each.code]

    def _is_of_the_record(self, results: Sequence[Result], rejections: Sequence[Rejection]) -> bool:
        """Return whether a few records were rejected for a field, while the object's description has no problem."""
        whole = any(result.whole_request for result in results)
        if whole or len(rejections) >= MIN_RECORDS_TO_TRIP or any(each.code not in _FIELD_CODES for each in rejections):
            return False
        if not self._described:
            try:
                self.describe()
            except ConfigurationFailure:
                return False
            self._described = True
        return True

    def _fail(self, results: Sequence[Result], rejections: Sequence[Rejection], sent: int) -> RunFailure:
        rows = {result.row.ordinal: result.row for result in results}
        return _explain(self.stream, rejections, len(rejections), sent, self.catalogue, rows)


def is_nearly_all(count: int, sent: int) -> bool:
    """Return whether `count` records are nearly all of the records sent."""
    return count > 0 and count >= sent * NEARLY_ALL


def check_job_circuit(stream: Stream, found: Sequence[RejectedClass], sent: int, catalogue: Catalogue) -> None:
    """Raise a RunFailure when the rejections of a Bulk job of `sent` records are not the records' fault."""
    run_level = [each for each in found if each.error_class is ErrorClass.RUN_LEVEL]
    systemic = [each for each in found if each.error_class in _SYSTEMIC]
    for classes, trips in (
        (run_level, is_nearly_all(sum(each.count for each in run_level), sent)),
        (systemic, sent >= MIN_RECORDS_TO_TRIP and sum(each.count for each in systemic) == sent),
    ):
        if trips:
            samples = [rejection for each in classes for rejection in each.samples]
            raise _explain(stream, samples, sum(each.count for each in classes), sent, catalogue, {})


def check_error_count(stream: Stream, recorded: int) -> None:
    """Raise CircuitFailure when a run has found more new errors than the stream allows."""
    if recorded > stream.max_errors:
        raise CircuitFailure(
            f"Stream {stream.name}: more than {stream.max_errors:,} records were rejected in one run (max_errors), so "
            "the records are probably not the cause. The watermark is kept. Look at ExportErrors grouped by "
            f"error_code, correct the cause, or raise max_errors in {stream.name}.yaml."
        )


def _explain(
    stream: Stream,
    rejections: Sequence[Rejection],
    count: int,
    sent: int,
    catalogue: Catalogue,
    rows: Mapping[int, Row],
) -> RunFailure:
    samples = "; ".join(
        f"{_name(rows.get(each.ordinal))}{each.code} {catalogue.redact(each.code, each.message)}"
        for each in rejections[:SHOWN_SAMPLES]
    )
    kinds: dict[FailureKind | None, type[RunFailure]] = {
        FailureKind.RETRY: SalesforceFailure,
        FailureKind.QUOTA: QuotaFailure,
    }
    return kinds.get(rejections[0].verdict.failure, CircuitFailure)(
        f"Stream {stream.name}: Salesforce rejected {count} of {sent} records of {stream.object} for a reason "
        f"that is not the records' ({samples}). Nothing was recorded and the watermark is kept. "
        f"{rejections[0].verdict.advice}"
    )


def _name(row: Row | None) -> str:
    return f"key={row.key}: " if row else ""

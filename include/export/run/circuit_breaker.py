"""The circuit breaker: it is not the records when every one of them is refused for a structural reason."""

from __future__ import annotations

from collections.abc import Sequence

from include.export.failures import CircuitFailure
from include.export.salesforce import Catalogue, ErrorClass, RejectedClass, Rejection
from include.export.streams import Stream

ENOUGH = 20  # records; fewer that all lack a right may well be those records (faults.md section 5)
SAMPLES = 3


def check_circuit(stream: Stream, refusals: Sequence[Rejection], sent: int, catalogue: Catalogue) -> None:
    """Raise CircuitFailure when the refusals of a request of `sent` records are not the records' fault."""
    system = [refusal for refusal in refusals if refusal.verdict.error_class is ErrorClass.RUN_LEVEL]
    if system:
        raise CircuitFailure(_message(stream, system, len(system), sent, catalogue))
    structural = [
        refusal for refusal in refusals if refusal.verdict.error_class in {ErrorClass.STRUCTURAL, ErrorClass.UNKNOWN}
    ]
    if sent >= ENOUGH and len(structural) == sent:
        raise CircuitFailure(_message(stream, structural, len(structural), sent, catalogue))


def check_job_circuit(stream: Stream, found: Sequence[RejectedClass], sent: int, catalogue: Catalogue) -> None:
    """Raise CircuitFailure when the refusals of a Bulk job of `sent` records are not the records' fault."""
    system = [each for each in found if each.error_class is ErrorClass.RUN_LEVEL]
    if system:
        raise CircuitFailure(_message(stream, system[0].samples, system[0].count, sent, catalogue))
    structural = [each for each in found if each.error_class in {ErrorClass.STRUCTURAL, ErrorClass.UNKNOWN}]
    if sent >= ENOUGH and sum(each.count for each in structural) == sent:
        samples = [refusal for each in structural for refusal in each.samples]
        raise CircuitFailure(_message(stream, samples, sent, sent, catalogue))


def check_error_count(stream: Stream, recorded: int) -> None:
    """Raise CircuitFailure when a run has found more new errors than the stream allows."""
    if recorded > stream.max_errors:
        raise CircuitFailure(
            f"Stream {stream.name}: more than {stream.max_errors:,} records were refused in one run (max_errors), so "
            "it is probably not the records. The watermark is kept. Look at ExportErrors grouped by error_code, "
            f"correct the cause, or raise max_errors in {stream.name}.yaml."
        )


def _message(stream: Stream, refusals: Sequence[Rejection], count: int, sent: int, catalogue: Catalogue) -> str:
    samples = "; ".join(
        f"{refusal.code} {catalogue.redact(refusal.code, refusal.message)}" for refusal in refusals[:SAMPLES]
    )
    return (
        f"Stream {stream.name}: Salesforce refused {count} of {sent} records of {stream.object} for a reason "
        f"that is not the records' ({samples}). Nothing was recorded and the watermark is kept. "
        f"{refusals[0].verdict.advice}"
    )

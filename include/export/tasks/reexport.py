"""The daily re-export: sends the records of ExportErrors again with the current values of their source rows."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from include.export.batch import Batch
from include.export.bulk import ListedErrors, settle_unsettled
from include.export.ledger import DueError, Outcome
from include.export.options import REEXPORT_CREDIT_SHARE
from include.export.run import RunContext, RunInputs, open_run, plan_batch
from include.export.source import find_gone, read_horizon

log = logging.getLogger(__name__)


@dataclass
class ReexportReport:
    """What a re-export did: counts, never rows."""

    stream: str
    tried: int = 0
    exported: int = 0
    still_rejected: int = 0
    gone: int = 0
    not_seen: int = 0  # rows not found, which policies or a foreign server may hide: their errors stay open
    left_to_export: int = 0
    waiting: int = 0
    api_calls: int = 0
    message: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the report for a task's return value."""
        return asdict(self)

    def summarize(self) -> str:
        """Return the report as one sentence."""
        not_seen = f" {self.not_seen} not found, but not proven gone." if self.not_seen else ""
        return (
            f"{self.tried} tried, {self.exported} exported, {self.still_rejected} still rejected, {self.gone} gone "
            f"from the source, {self.left_to_export} left to CRMExport, {self.waiting} waiting for a parent."
            f"{not_seen}"
        )


def reexport_errors(
    inputs: RunInputs,
    *,
    every: bool = False,
    only: Sequence[int] | None = None,
) -> ReexportReport:
    """Send the due export errors of a stream (`every`: all open ones) again and return what happened to them.

    `only` are the ids of errors that a person asked for, due or not. Rows above the watermark are left to the export;
    the error of a deleted row is resolved. Raises RunFailure when no record is to blame.
    """
    report = ReexportReport(inputs.stream.name)
    with open_run(inputs, "reexport") as run:
        if run is None:
            report.message = f"Another run of stream {inputs.stream.name} is running; this one sent nothing."
            return report
        settle_unsettled(run)
        with run.lease.transaction():
            run.errors.release(inputs.stream.name)
        horizon = read_horizon(inputs.stream, inputs.connection)
        outcome = _send_due(run, horizon, report, every=every or only is not None, only=only)
        report.waiting = run.errors.count(inputs.stream.name)[1]
        report.message = report.summarize()
        report.api_calls = run.end(outcome, report.message).api_calls
    return report


def send_released(run: RunContext, horizon: str) -> None:
    """Send the records whose parent has been accepted since they were rejected; part of every export."""
    report = ReexportReport(run.stream.name)
    _send_due(run, horizon, report, every=True, released_only=True)
    if report.tried:
        log.info("Stream %s, records whose parent was accepted: %s", run.stream.name, report.summarize())


def _send_due(
    run: RunContext,
    horizon: str,
    report: ReexportReport,
    *,
    every: bool,
    released_only: bool = False,
    only: Sequence[int] | None = None,
) -> Outcome:
    if run.state.watermark is None:
        return Outcome.COMPLETE
    wanted = {"every": every, "released_only": released_only, "only": None if only is None else list(only),
              "run": run.entry.id if run.reexport else None}  # fmt: skip
    colliding_ids = _send_by_jobs(run, horizon, wanted, report) if run.reexport else []
    last = 0
    while True:
        due = _find_due(run, horizon, last, wanted)
        if not due:
            return Outcome.COMPLETE
        if not run.has_credits(REEXPORT_CREDIT_SHARE):
            return Outcome.WAITING_FOR_CREDITS
        if not _send_errors(run, due, report, colliding_ids):
            return Outcome.WAITING_FOR_CREDITS
        last = due[-1].id


def _send_by_jobs(run: RunContext, horizon: str, wanted: Mapping[str, object], report: ReexportReport) -> Sequence[str]:
    """Send errors by Bulk jobs while there are many; returns the external ids that small requests must reject."""
    jobs = ListedErrors(run, horizon, wanted)
    for counts in jobs.send():
        report.tried += counts.accepted + counts.rejected
        report.exported += counts.accepted
        report.still_rejected += counts.rejected
    return jobs.colliding_ids


def _find_due(run: RunContext, horizon: str, last: int, wanted: Mapping[str, object]) -> list[DueError]:
    assert run.state.watermark is not None  # noqa: S101 - checked by the caller
    values = {
        "stream": run.stream.name,
        "after_id": last,
        **wanted,
        "limit": run.options.batch_size * run.options.requests_in_flight,
        "horizon": horizon,
        **run.state.watermark.as_values(),
    }
    return run.errors.find_due(run.source.compose("source/errors_due", run.state.watermark), values)


def _send_errors(run: RunContext, due: list[DueError], report: ReexportReport, colliding_ids: Sequence[str]) -> bool:
    """Send errors whose rows are there; False when the share of the daily API limit is used up before the last."""
    missing = {error.record_key: error.id for error in due if error.gone}
    if missing:
        with run.lease.transaction():
            gone = find_gone(run.source, list(missing))
            run.errors.resolve_gone([missing[key] for key in gone], run.entry.id)
        report.gone += len(gone)
        report.not_seen += len(missing) - len(gone)
    report.left_to_export += sum(error.above for error in due)
    remaining = [error.id for error in due if not error.gone and not error.above]
    while remaining:
        if not run.has_credits(REEXPORT_CREDIT_SHARE):
            return False
        part = remaining[: run.count_batch_rows(stops=False, share=REEXPORT_CREDIT_SHARE)]
        batch = plan_batch(run, "errors", errors=part, colliding_ids=list(colliding_ids))
        if batch is None:
            return True
        _send_batch(run, batch, report)
        remaining = remaining[len(batch.rows) :]
    return True


def _send_batch(run: RunContext, batch: Batch, report: ReexportReport) -> None:
    sent = run.send_batch(batch, stop_at_rejection=False)
    run.settle(batch, sent, move=False)
    report.tried += len(batch.rows)
    report.exported += len(sent.accepted)
    report.still_rejected += len(sent.rejections)

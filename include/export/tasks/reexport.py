"""The daily re-export: records of ExportErrors are sent again with the values that their source rows have today."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import psycopg

from include.export.bulk.recovery import settle_left_over
from include.export.ledger.batches import Batch
from include.export.ledger.export_errors import DueError
from include.export.ledger.runs import Outcome, RunIdentity
from include.export.options import ExportOptions
from include.export.run.context import Workbench
from include.export.run.lease_scope import Parts, open_workbench
from include.export.salesforce.client import SalesforceClient
from include.export.salesforce.error_catalogue import Catalogue
from include.export.source.horizon import read_horizon
from include.export.streams.stream import Stream

log = logging.getLogger(__name__)
SHARE = 0.75  # of the daily API limit; the rest is left to the export


@dataclass
class ReexportReport:
    """What a re-export did: counts, never rows."""

    stream: str
    tried: int = 0
    exported: int = 0
    still_refused: int = 0
    gone: int = 0
    left_to_export: int = 0
    waiting: int = 0
    api_calls: int = 0
    message: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the report for a task's return value."""
        return asdict(self)

    def tell(self) -> str:
        """Return the report as one sentence."""
        return (
            f"{self.tried} tried, {self.exported} exported, {self.still_refused} still refused, {self.gone} gone from "
            f"the source, {self.left_to_export} left to CRMExport, {self.waiting} waiting for a parent."
        )


def reexport_errors(
    stream: Stream,
    *,
    connection: psycopg.Connection,
    salesforce: SalesforceClient,
    catalogue: Catalogue,
    options: ExportOptions,
    run: RunIdentity,
    every: bool = False,
    only: Sequence[int] | None = None,
) -> ReexportReport:
    """Send the open export errors of a stream that are due (`every`: all open ones) and return what became of them.

    `only` are the ids of the errors that a person asked for, whether they are due or not. Rows above the watermark
    are left to the export; rows that are gone resolve their error. Raises RunFailure when no record is to blame.
    """
    report = ReexportReport(stream.name)
    parts = Parts(stream, connection, salesforce, catalogue, options, run)
    with open_workbench(parts, "reexport") as bench:
        if bench is None:
            report.message = f"Another run of stream {stream.name} is at work; this one sent nothing."
            return report
        settle_left_over(bench)
        with bench.lease.transaction():
            bench.errors.release(stream.name)
        horizon = read_horizon(stream, connection)
        outcome = _send_due(bench, horizon, report, every=every or only is not None, only=only)
        report.waiting = bench.errors.count(stream.name)[1]
        report.message = report.tell()
        report.api_calls = bench.end(outcome, report.message).api_calls
    return report


def send_released(bench: Workbench, horizon: str) -> None:
    """Send the records again whose parent has been accepted since they were refused; part of every export."""
    report = ReexportReport(bench.stream.name)
    _send_due(bench, horizon, report, every=True, released_only=True)
    if report.tried:
        log.info("Stream %s, records whose parent is there now: %s", bench.stream.name, report.tell())


def _send_due(
    bench: Workbench,
    horizon: str,
    report: ReexportReport,
    *,
    every: bool,
    released_only: bool = False,
    only: Sequence[int] | None = None,
) -> Outcome:
    if bench.state.watermark is None:
        return Outcome.COMPLETE
    last = 0
    while True:
        wanted = {"every": every, "released_only": released_only, "only": None if only is None else list(only)}
        due = _find_due(bench, horizon, last, wanted)
        if not due:
            return Outcome.COMPLETE
        if not bench.has_credits(SHARE):
            return Outcome.WAITING_FOR_CREDITS
        _send_errors(bench, due, report)
        last = due[-1].id


def _find_due(bench: Workbench, horizon: str, last: int, wanted: Mapping[str, object]) -> list[DueError]:
    assert bench.state.watermark is not None  # ruff: ignore[assert] - checked by the caller
    values = {
        "stream": bench.stream.name,
        "after_id": last,
        **wanted,
        "limit": bench.options.batch_size,
        "horizon": horizon,
        **bench.state.watermark.as_values(),
    }
    return bench.errors.find_due(bench.source.due_errors(bench.state.watermark), values)


def _send_errors(bench: Workbench, due: list[DueError], report: ReexportReport) -> None:
    gone = [error.id for error in due if error.gone]
    if gone:
        with bench.lease.transaction():
            bench.errors.resolve_gone(gone, bench.run.id)
    report.gone += len(gone)
    report.left_to_export += sum(error.above for error in due)
    remaining = [error.id for error in due if not error.gone and not error.above]
    while remaining:
        batch = bench.plan("errors", errors=remaining)
        if batch is None:
            return
        _send_batch(bench, batch, report)
        remaining = remaining[len(batch.rows) :]


def _send_batch(bench: Workbench, batch: Batch, report: ReexportReport) -> None:
    sent = bench.send(batch, stop_at_refusal=False)
    bench.settle(batch, sent, move=False)
    report.tried += len(batch.rows)
    report.exported += len(sent.accepted)
    report.still_refused += len(sent.refusals)

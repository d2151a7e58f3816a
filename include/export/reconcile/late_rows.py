"""Rows that a change time cannot show: they came below the watermark; found, exported by key and counted."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from typing import Any

import psycopg

from include.export.bulk.recovery import settle_left_over
from include.export.ledger.findings import LATE_ROW, ExportFindings
from include.export.ledger.runs import Outcome, RunIdentity
from include.export.options import ExportOptions
from include.export.positions import Position
from include.export.reconcile.failover import find_lost_keys, find_step_back, note_step_back
from include.export.run.context import Workbench
from include.export.run.lease_scope import Parts, open_workbench
from include.export.salesforce.client import SalesforceClient
from include.export.salesforce.error_catalogue import Catalogue
from include.export.streams.stream import Stream
from include.export.tasks.reexport import SHARE

log = logging.getLogger(__name__)


@dataclass
class LateRowsReport:
    """What a check of a stream did: counts, never rows."""

    stream: str
    compared: int = 0
    late: int = 0
    exported: int = 0
    refused: int = 0
    left_to_export: int = 0
    sent_again: int = 0
    stepped_back: str = ""
    api_calls: int = 0
    message: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the report for a task's return value."""
        return asdict(self)

    def tell(self) -> str:
        """Return the report as one sentence."""
        told = (
            f"{self.compared:,} rows compared, {self.late:,} came below the watermark: {self.exported:,} exported, "
            f"{self.refused:,} refused, {self.left_to_export:,} changed again or gone."
        )
        if self.stepped_back:
            told += f" The {self.stepped_back}; {self.sent_again:,} rows sent again."
        return told


def export_late_rows(
    stream: Stream,
    *,
    connection: psycopg.Connection,
    salesforce: SalesforceClient,
    catalogue: Catalogue,
    options: ExportOptions,
    run: RunIdentity,
    witness: Position | None = None,
) -> LateRowsReport:
    """Export the rows below the watermark that were not exported as they are now, and return what was found.

    `witness` is the watermark as it was last published outside of this database, if it was: with it a database that
    was restored to an earlier state is noticed. Raises RunFailure when no record is to blame.
    """
    report = LateRowsReport(stream.name)
    with open_workbench(Parts(stream, connection, salesforce, catalogue, options, run), "reconcile") as bench:
        if bench is None:
            report.message = f"Another run of stream {stream.name} is at work; nothing was compared."
            return report
        settle_left_over(bench)
        outcome = _go_back(bench, report, witness) or _compare(bench, report)
        report.message = report.tell()
        if outcome is Outcome.WAITING_FOR_CREDITS:
            report.message += " The daily API limit is spent; the next run goes on."
        report.api_calls = bench.end(outcome, report.message).api_calls
    return report


def _go_back(bench: Workbench, report: LateRowsReport, witness: Position | None) -> Outcome | None:
    step = find_step_back(bench, witness)
    if step is None:
        return None
    report.stepped_back = step.told
    if bench.state.watermark is not None:
        sent = LateRowsReport(bench.stream.name)
        if not _send(bench, find_lost_keys(bench), sent):
            return Outcome.WAITING_FOR_CREDITS
        report.sent_again = sent.exported + sent.refused
    note_step_back(bench, step)
    return None


def _compare(bench: Workbench, report: LateRowsReport) -> Outcome:
    if bench.state.watermark is None:
        return Outcome.COMPLETE
    findings = ExportFindings(bench.connection, bench.stream.name, bench.run.id)
    for compared in bench.versions.compare(bench.source, bench.state.watermark, bench.lease.transaction):
        report.compared += compared.rows
        report.late += len(compared.late)
        if compared.late:
            told = "Its change time was at or below the watermark when it came; it was exported by its key."
            findings.note(LATE_ROW, [(key, told) for key in compared.late])
            log.warning(
                "Stream %s: %d rows came below the watermark (%s is back-dated, or set by a clock that is slow). They "
                "are exported by their keys.", bench.stream.name, len(compared.late), bench.stream.cursor,
            )  # fmt: skip
        if not _send(bench, compared.late, report):
            return Outcome.WAITING_FOR_CREDITS
    findings.close_others(LATE_ROW)
    return Outcome.COMPLETE


def _send(bench: Workbench, keys: list[str], report: LateRowsReport) -> bool:
    """Send the current rows of keys that are not above the watermark; False when the API budget is spent."""
    size = bench.options.batch_size
    remaining = keys
    while remaining:
        if not bench.has_credits(SHARE):
            return False
        part = remaining[:size]
        batch = bench.plan("keys", keys=part, **bench.watermark.as_values())
        if batch is None:
            report.left_to_export += len(part)
            remaining = remaining[len(part) :]
            continue
        sent = bench.send(batch, stop_at_refusal=False)
        bench.settle(batch, sent, move=False)
        report.exported += len(sent.accepted)
        report.refused += len(sent.refusals)
        done = {row.key for row in batch.rows}
        remaining = [key for key in part if key not in done] + remaining[len(part) :]
    return True

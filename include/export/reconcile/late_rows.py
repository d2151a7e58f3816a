"""Late rows, which arrived below the watermark: they are found, exported by their keys and counted."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from typing import Any

from include.export.bulk import settle_unsettled
from include.export.ledger import LATE_ROW, ExportFindings, Outcome
from include.export.positions import Position
from include.export.reconcile.failover import find_failover, find_lost_keys, note_failover
from include.export.run import RunContext, RunInputs, StreamTaken, give_turn, open_run, send_keys, without_lease

log = logging.getLogger(__name__)
ROWS_NOTED = 100  # late rows of one run that are reported one by one; more are reported as a number
ROWS_OF_A_TURN = 2_000  # late rows that are sent before other runs get a turn


@dataclass
class LateRowsReport:
    """The result of a check of a stream: counts, never rows."""

    stream: str
    compared: int = 0
    late: int = 0
    exported: int = 0
    rejected: int = 0
    left_to_export: int = 0
    sent_again: int = 0
    failover: str = ""
    api_calls: int = 0
    message: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the report for a task's return value."""
        return asdict(self)

    def summarize(self) -> str:
        """Return the report as one sentence."""
        detail = (
            f"{self.compared:,} rows compared, {self.late:,} arrived below the watermark: {self.exported:,} exported, "
            f"{self.rejected:,} rejected, {self.left_to_export:,} changed again or gone."
        )
        if self.failover:
            detail += f" The {self.failover}; {self.sent_again:,} rows sent again."
        return detail


def export_late_rows(
    inputs: RunInputs,
    *,
    published_watermark: Position | None = None,
) -> LateRowsReport:
    """Export the rows below the watermark whose current version was not exported, and return the counts.

    `published_watermark` is the watermark as it was last published outside this database, if it was; it reveals a
    database that was restored to an earlier state. Raises RunFailure when no record is to blame.
    """
    report = LateRowsReport(inputs.stream.name)
    with open_run(inputs, "reconcile") as run:
        if run is None:
            report.message = f"Another run of stream {inputs.stream.name} is running; nothing was compared."
            return report
        settle_unsettled(run)
        taken = ""
        try:
            outcome = _go_back(run, report, published_watermark) or _compare(run, report)
        except StreamTaken as ended:
            outcome, taken = Outcome.COMPLETE, f" {ended}"
        report.message = report.summarize() + taken
        if outcome is Outcome.WAITING_FOR_CREDITS:
            report.message += " The daily API limit is spent; the next run continues."
        report.api_calls = run.end(outcome, report.message).api_calls
    return report


def _go_back(run: RunContext, report: LateRowsReport, published_watermark: Position | None) -> Outcome | None:
    step = find_failover(run, published_watermark)
    if step is None:
        return None
    report.failover = step.message
    if run.state.watermark is not None:
        sent = LateRowsReport(run.stream.name)
        if not _send(run, find_lost_keys(run), sent):
            return Outcome.WAITING_FOR_CREDITS
        report.sent_again = sent.exported + sent.rejected
    note_failover(run, step)
    return None


def _compare(run: RunContext, report: LateRowsReport) -> Outcome:
    if run.state.watermark is None:
        return Outcome.COMPLETE
    unpacked = run.versions.unpack()
    with without_lease(run):
        changed = run.versions.find_changed(run.source, run.watermark, unpacked)
    _go_on(run)
    report.compared = changed.unchanged
    findings = ExportFindings(run.connection, run.stream.name, run.entry.id)
    for compared in run.versions.compare(run.source, changed, lambda: run.lease.transaction()):
        report.compared += compared.rows
        report.late += len(compared.late)
        if compared.late:
            _note(findings, run, compared.late, report.late)
            log.warning(
                "Stream %s: %d rows arrived below the watermark (%s is back-dated, or set by a slow clock). They are "
                "exported by their keys.", run.stream.name, len(compared.late), run.stream.cursor,
            )  # fmt: skip
        if not _send_in_turns(run, compared.late, report):
            return Outcome.WAITING_FOR_CREDITS
    findings.close_others(LATE_ROW)
    return Outcome.COMPLETE


def _send_in_turns(run: RunContext, keys: list[str], report: LateRowsReport) -> bool:
    """Send the late rows of a page, with turns for other runs after each part; False when the API budget is spent."""
    for first in range(0, max(len(keys), 1), ROWS_OF_A_TURN):
        if not _send(run, keys[first : first + ROWS_OF_A_TURN], report):
            return False
        if give_turn(run):
            _go_on(run)
    return True


def _go_on(run: RunContext) -> None:
    """Settle and unpack what other runs have left while they had the lease."""
    settle_unsettled(run)
    run.versions.unpack_more()


def _send(run: RunContext, keys: list[str], report: LateRowsReport) -> bool:
    """Send the current rows of keys that are not above the watermark; False when the API budget is spent."""
    sent = send_keys(run, keys)
    report.exported += sent.exported
    report.rejected += sent.rejected
    report.left_to_export += sent.left
    return sent.complete


def _note(findings: ExportFindings, run: RunContext, late: list[str], total: int) -> None:
    """Record each late row, or only their number if they are many: then the source is to blame, not single rows."""
    detail = "Its change time was at or below the watermark when it arrived; it was exported by its key."
    found = [(key, detail) for key in late]
    if total > ROWS_NOTED:
        detail = f"{total:,} rows arrived with change times at or below the watermark and were exported by their keys."
        found = [(run.stream.source, detail)]
    findings.note(LATE_ROW, found)

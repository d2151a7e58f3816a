"""The export of one stream: what changed since the watermark, in order, exactly."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

import psycopg

from include.export.bulk.recovery import settle_left_over
from include.export.bulk.settlement import JobPending
from include.export.bulk.transport import BulkTransport
from include.export.ledger.batches import Batch
from include.export.ledger.runs import Outcome, RunIdentity
from include.export.ledger.watermarks import without_stop
from include.export.options import GROWTH, SMALL_REQUEST, ExportOptions
from include.export.run.context import Workbench
from include.export.run.lease_scope import Parts, open_workbench
from include.export.salesforce.client import SalesforceClient
from include.export.salesforce.error_catalogue import Catalogue
from include.export.source.horizon import read_horizon
from include.export.source.index_advice import warn_without_index
from include.export.source.source import WAITING_LIMIT
from include.export.streams.stream import Stream
from include.export.tasks.reexport import send_released
from include.export.tasks.stop import Stop, examine_stop

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ExportReport:
    """What a run did: counts, never rows."""

    stream: str
    outcome: Outcome
    rows_changed: int = 0
    rows_sent: int = 0
    accepted: int = 0
    refused: int = 0
    api_calls: int = 0
    watermark: str | None = None
    message: str = ""
    job_id: str | None = None  # the Bulk job that Salesforce is at work on; the run goes on when it is over

    def as_dict(self) -> dict[str, Any]:
        """Return the report for a task's return value."""
        return asdict(self) | {"outcome": str(self.outcome)}


def export_stream(
    stream: Stream,
    *,
    connection: psycopg.Connection,
    salesforce: SalesforceClient,
    catalogue: Catalogue,
    options: ExportOptions,
    run: RunIdentity,
) -> ExportReport:
    """Export what changed in a stream's source since its watermark and return what was done.

    With `options.pause_on_export_errors` the run stops before the first refused record and the watermark stays
    there; without, refused records are recorded and passed over. The connection is in autocommit mode, carries the
    application name crm_export and the time zone UTC.

    Raises RunFailure when no record is to blame; the watermark then stands behind the last settled batch.
    """
    parts = Parts(stream, connection, salesforce, catalogue, options, run)
    with open_workbench(parts, "export") as bench:
        if bench is None:
            message = f"Another run of stream {stream.name} is at work; this one sent nothing."
            return ExportReport(stream.name, Outcome.ALREADY_RUNNING, message=message)
        outcome, message = _export(bench)
        return _report(bench, outcome, message)


def _export(bench: Workbench) -> tuple[Outcome, str]:
    try:
        settle_left_over(bench)
        _warn_of_unreadable(bench)
        horizon = read_horizon(bench.stream, bench.connection)
        _note_oldest_change(bench, horizon)
        with bench.lease.transaction():
            bench.errors.release(bench.stream.name)
        size = min(SMALL_REQUEST, bench.options.batch_size)
        if bench.state.stopped_at_error_id is not None:
            stop = examine_stop(bench, horizon)
            if stop is Stop.WAITS:
                return _end_held(horizon)
            size = 1 if stop is Stop.PROBE else size
        send_released(bench, horizon)
        return _export_changes(bench, horizon, size)
    except JobPending as pending:
        bench.job_id = pending.job_id
        return (
            Outcome.WAITING_FOR_JOB,
            f"Salesforce is at work on Bulk job {pending.job_id}; its outcome is settled next.",
        )


def _note_oldest_change(bench: Workbench, horizon: str) -> None:
    oldest = bench.source.peek(bench.state.watermark, horizon)
    if oldest is not None:
        bench.run.note_oldest_change(oldest.cursor_at)


def _export_changes(bench: Workbench, horizon: str, size: int) -> tuple[Outcome, str]:
    """Send batch after batch, a small one first; each is settled before the next is planned.

    Where much has changed, Bulk jobs follow the first clean request.
    """
    if bench.source.peek(bench.state.watermark, horizon) is None:
        return Outcome.COMPLETE, "Nothing has changed."
    warn_without_index(bench.source, bench.state.watermark, horizon)
    with ExitStack() as at_work:
        bulk: BulkTransport | None = None
        while bench.has_credits():
            found = bulk.find_window() if bulk else None
            if bulk and found:
                held = bulk.send(*found)
            else:
                before = bench.client.bytes_sent
                batch = bench.plan("changes", horizon=horizon, limit=size, **_after(bench))
                if batch is None:
                    return Outcome.COMPLETE, _tell_complete(bench.new_errors)
                held = _send_batch(bench, batch)
                took = (bench.client.bytes_sent - before) / len(batch.rows)
                bulk = bulk or at_work.enter_context(BulkTransport(bench, horizon, took))
                size = min(max(size, SMALL_REQUEST // GROWTH) * GROWTH, bench.options.batch_size)
            if held:
                return _end_held(horizon)
            bench.state = without_stop(bench.state)
    log.warning("Stream %s stops here: the API calls of the day are spent. The next run goes on.", bench.stream.name)
    return (
        Outcome.WAITING_FOR_CREDITS,
        "The API calls of the day (daily_crm_api_limit, or the org's own) are spent; the watermark is kept.",
    )


def _send_batch(bench: Workbench, batch: Batch) -> bool:
    sent = bench.send(batch, stop_at_refusal=bench.options.pause_on_export_errors)
    bench.settle(batch, sent, move=True)
    return sent.stopped_at is not None


def _tell_complete(refused: int) -> str:
    passed_over = f"; {refused:,} records were refused and passed over, see ExportErrors" if refused else ""
    return f"Everything up to the horizon is exported{passed_over}."


def _after(bench: Workbench) -> dict[str, str]:
    return bench.state.watermark.as_values() if bench.state.watermark else {}


def _end_held(horizon: str) -> tuple[Outcome, str]:
    return Outcome.HELD, f"Stopped at a refused record; rows behind it wait. Horizon {horizon}."


def _warn_of_unreadable(bench: Workbench) -> None:
    bench.source.columns  # ruff: ignore[useless-expression] - names a missing table or column before anything else does
    without, future = bench.source.count_unreadable()
    if without or future:
        log.warning(
            "Stream %s: %d rows have no %s and %d have one in the future; they are not exported until it is set "
            "(counted up to 1,000 each).",
            bench.stream.name, without, bench.stream.cursor, future,
        )  # fmt: skip


def _report(bench: Workbench, outcome: Outcome, message: str) -> ExportReport:
    waiting = None
    if outcome is Outcome.HELD:
        horizon = read_horizon(bench.stream, bench.connection)
        waiting = max(bench.source.count_waiting(bench.state.watermark, horizon) - 1, 0)
        message = f"Stopped at a refused record; {tell_count(waiting)} changed rows wait behind it."
    totals = bench.end(outcome, message, waiting=waiting)
    watermark = str(bench.state.watermark) if bench.state.watermark else None
    return ExportReport(
        bench.stream.name, outcome, **asdict(totals), watermark=watermark, message=message, job_id=bench.job_id
    )


def tell_count(count: int) -> str:
    """Return a number of rows for people; the count ends at 10,000."""
    return f"more than {WAITING_LIMIT - 1:,}" if count >= WAITING_LIMIT - 1 else f"{count:,}"

"""Sends the rows changed after a position, batch by batch, in order."""

from __future__ import annotations

import logging
from contextlib import ExitStack

from include.export.batch import Batch
from include.export.bulk import BulkTransport
from include.export.ledger import Outcome, without_stop
from include.export.options import GROWTH, SMALL_REQUEST
from include.export.run import RunContext, plan_batch
from include.export.source import warn_without_index

log = logging.getLogger(__name__)


def export_changes(run: RunContext, horizon: str, size: int) -> tuple[Outcome, str]:
    """Send the changes batch by batch, starting small; each batch is settled before the next is planned.

    If many rows have changed, Bulk jobs follow the first request without rejections. Returns the outcome and its
    message; raises RunFailure when no record is to blame.
    """
    if run.source.peek(run.state.watermark, horizon) is None:
        return Outcome.COMPLETE, "Nothing has changed."
    warn_without_index(run.source, run.state.watermark, horizon)
    with ExitStack() as at_work:
        bulk: BulkTransport | None = None
        while run.has_credits():
            found = bulk.find_window() if bulk else None
            if bulk and found:
                held = bulk.export_window(*found)
            else:
                before = run.client.bytes_sent
                batch = plan_batch(
                    run, "changes", horizon=horizon, limit=min(size, run.sender.size.planned), **_after(run)
                )
                if batch is None:
                    return Outcome.COMPLETE, _report_complete(run.new_errors)
                held = _send_batch(run, batch)
                took = (run.client.bytes_sent - before) / len(batch.rows)
                bulk = bulk or at_work.enter_context(BulkTransport(run, horizon, took))
                size = _grow(run, size)
            if held:
                return end_held(horizon)
            run.state = without_stop(run.state)
    log.warning("Stream %s stops: the daily API calls are used up. The next run continues.", run.stream.name)
    return (
        Outcome.WAITING_FOR_CREDITS,
        "The daily API calls (daily_crm_api_limit, or the org's limit) are used up; the watermark is kept.",
    )


def _grow(run: RunContext, size: int) -> int:
    """Return the rows of the next batch: more in one request, or all that may be in flight after a small one."""
    most = run.count_batch_rows(stops=run.options.pause_on_export_errors)
    return min(max(size, SMALL_REQUEST // GROWTH) * GROWTH, most) if most <= run.options.batch_size else most


def _send_batch(run: RunContext, batch: Batch) -> bool:
    sent = run.send_batch(batch, stop_at_rejection=run.options.pause_on_export_errors)
    run.settle(batch, sent, move=True)
    return sent.stopped_at is not None


def _report_complete(rejected: int) -> str:
    passed_over = f"; {rejected:,} records were rejected and passed over, see ExportErrors" if rejected else ""
    return f"Everything up to the horizon is exported{passed_over}."


def _after(run: RunContext) -> dict[str, str]:
    return run.state.watermark.as_values() if run.state.watermark else {}


def end_held(horizon: str) -> tuple[Outcome, str]:
    return Outcome.HELD, f"Stopped at a rejected record; rows behind it wait. Horizon {horizon}."

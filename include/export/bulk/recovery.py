"""Unsettled batches of earlier runs: jobs in progress are adopted, all others abandoned, before anything is sent."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import groupby

from include.export.bulk.listed import settle_listed
from include.export.bulk.progress import Progress
from include.export.bulk.settlement import settle_window
from include.export.bulk.window_plan import plan_window
from include.export.failures import ConfigurationFailure
from include.export.ledger import ExportResends, JobBatch
from include.export.positions import Window
from include.export.run import RunContext, enter_resend
from include.export.salesforce import IngestJobs
from include.export.source import SourceWindows

log = logging.getLogger(__name__)


def settle_unsettled(run: RunContext) -> None:
    """Settle the jobs whose rows Salesforce has, and abandon all other batches: their rows are sent again.

    Raises JobPending when a job takes longer than `job_patience`, RunFailure when one ended abnormally.
    """
    left = run.jobs.find_unsettled(run.stream.name)
    adopted = [batch for batch in left if _is_adopted(run, batch, left)]
    _abandon(run, [batch for batch in left if batch not in adopted])
    strays = run.batches.find_strays(run.stream.name)
    if strays:
        with run.lease.transaction():
            run.batches.forget_strays(strays)
    for _, batches in groupby(adopted, key=lambda batch: batch.window_id):
        _adopt(run, list(batches))


def reject_unsettled(run: RunContext) -> None:
    """Raise ConfigurationFailure while a job of an earlier run may still be running: no newer version may be sent."""
    left = run.jobs.find_unsettled(run.stream.name)
    if any(batch.job_id for batch in left):
        raise ConfigurationFailure(
            f"A Bulk job of stream {run.stream.name} is not settled yet. Run CRMExport first, then retry."
        )


def _is_adopted(run: RunContext, batch: JobBatch, left: Sequence[JobBatch]) -> bool:
    """Return whether Salesforce has all rows of a batch's job; other jobs are aborted."""
    if batch.transport != "bulk":
        return False
    jobs = IngestJobs(run.stream, run.client)
    if batch.job_id is None:
        jobs.abort_orphans(batch.action, batch.planned_at, {other.job_id for other in left if other.job_id})
        return False
    state = jobs.read(batch.job_id)
    if state is None:
        return False
    if state.state == "Open" or batch.sent is None:
        jobs.abort(batch.job_id)
        return False
    return True


def _abandon(run: RunContext, batches: Sequence[JobBatch]) -> None:
    if not batches:
        return
    with run.lease.transaction():
        count, rows = run.batches.abandon([batch.id for batch in batches])
    log.warning(
        "Stream %s: %d batch(es) of an earlier run were not settled; their %d rows are sent again.",
        run.stream.name, count, rows,
    )  # fmt: skip


def _adopt(run: RunContext, batches: Sequence[JobBatch]) -> None:
    log.info("Stream %s: settling Bulk job(s) of an earlier run: %s", run.stream.name,
             ", ".join(str(batch.job_id) for batch in batches))  # fmt: skip
    run.adopted_jobs += len(batches)
    rows, window = sum(batch.sent or 0 for batch in batches), batches[0].window
    progress = Progress(run.stream.name, lambda: rows, rows + 1)
    if window is None:
        settle_listed(run, batches[0], progress)
    else:
        _adopt_window(run, batches, window, progress)


def _adopt_window(run: RunContext, batches: Sequence[JobBatch], window: Window, progress: Progress) -> None:
    windows, may_collide = SourceWindows(run.source), run.form.identity.may_collide
    colliding_ids = windows.find_colliding_ids(window, run.form) if may_collide else []
    plan = plan_window(run, window, scan_texts=True, colliding_ids=colliding_ids)
    resend = ExportResends(run.connection).find_of_window(run.stream.name, window)
    if resend is None or window.start == run.state.watermark:
        held = settle_window(run, batches, plan, progress)
        run.adopted_clean = run.state.watermark == window.end and not held
        return
    with enter_resend(run, resend) as inner:
        settle_window(inner, batches, plan, progress)

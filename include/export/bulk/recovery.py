"""What earlier runs left unsettled: jobs in progress are adopted, all else is abandoned, before anything is sent."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import groupby

from include.export.bulk.progress import Progress
from include.export.bulk.settlement import settle_window
from include.export.bulk.window_plan import plan_window
from include.export.failures import ConfigurationFailure
from include.export.ledger.batches import JobBatch
from include.export.run.context import Workbench
from include.export.salesforce.bulk_api import IngestJobs
from include.export.source.csv_record import CsvForm
from include.export.source.windows import SourceWindows

log = logging.getLogger(__name__)


def settle_left_over(bench: Workbench) -> None:
    """Settle the jobs that Salesforce has the rows of, and abandon batches whose rows go again.

    Raises JobPending when a job takes longer than `job_patience`, RunFailure when one did not end as it should.
    """
    left = bench.batches.left_over(bench.stream.name)
    adopted = [batch for batch in left if _is_adopted(bench, batch, left)]
    _abandon(bench, [batch for batch in left if batch not in adopted])
    strays = bench.batches.find_strays(bench.stream.name)
    if strays:
        with bench.lease.transaction():
            bench.batches.forget_strays(strays)
    for _, batches in groupby(adopted, key=lambda batch: batch.window_id):
        _adopt(bench, list(batches))


def refuse_left_over(bench: Workbench) -> None:
    """Raise ConfigurationFailure while a job of an earlier run may still be at work: nothing newer may be sent."""
    left = bench.batches.left_over(bench.stream.name)
    if any(batch.job_id for batch in left):
        raise ConfigurationFailure(
            f"A Bulk job of stream {bench.stream.name} is not settled yet. Let CRMExport run first, then try again."
        )


def _is_adopted(bench: Workbench, batch: JobBatch, left: Sequence[JobBatch]) -> bool:
    """Tell whether Salesforce has all rows of a batch's job; any other job is aborted, so that nothing comes later."""
    if batch.transport != "bulk":
        return False
    jobs = IngestJobs(bench.stream, bench.client)
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


def _abandon(bench: Workbench, batches: Sequence[JobBatch]) -> None:
    if not batches:
        return
    with bench.lease.transaction():
        count, rows = bench.batches.abandon([batch.id for batch in batches])
    log.warning(
        "Stream %s: %d batch(es) of an earlier run were never settled; their %d rows are sent again.",
        bench.stream.name, count, rows,
    )  # fmt: skip


def _adopt(bench: Workbench, batches: Sequence[JobBatch]) -> None:
    window = batches[0].window
    assert window is not None  # ruff: ignore[assert] - batches of jobs have one
    log.info("Stream %s: settling Bulk job(s) of an earlier run: %s", bench.stream.name,
             ", ".join(str(batch.job_id) for batch in batches))  # fmt: skip
    rows = sum(batch.sent or 0 for batch in batches)
    form = CsvForm(bench.form)
    folds = SourceWindows(bench.source).find_folds(window, bench.form) if form.folds else []
    plan = plan_window(bench, window, careful=True, folds=folds)
    settle_window(bench, batches, plan, Progress(bench.stream.name, lambda: rows, rows + 1))

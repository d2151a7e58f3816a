"""Resends: exported rows are sent again, under the lease of the run and without moving the watermark."""

from __future__ import annotations

import logging

from include.export.ledger import ExportResends, Outcome, Resend
from include.export.options import SMALL_REQUEST
from include.export.run import RunContext, enter_resend, plan_batch
from include.export.streams import NewField
from include.export.tasks.changes import export_changes

log = logging.getLogger(__name__)


def continue_resends(run: RunContext) -> None:
    """Continue the requested resends from where an earlier run stopped, until the API calls are used up.

    Rejected records become export errors and are passed over, whatever the setting: they are below the watermark.
    Raises RunFailure when no record is to blame, JobPending when a Bulk job takes longer than the run may wait.
    """
    if run.stream.on_new_field is NewField.RESEND and run.state.mapping_fingerprint != run.stream.fingerprint:
        run.form  # noqa: B018 - describes the object, which requests the resend even if no row has changed
    resends = ExportResends(run.connection)
    for resend in resends.find_unfinished(run.stream.name):
        outcome = _send_record(run, resend) if resend.key is not None else _send_range(run, resend)
        if outcome is not Outcome.COMPLETE:
            log.warning("Stream %s: resend %d continues in the next run.", run.stream.name, resend.id)
            return
        resends.finish(resend.id)
        log.info("Stream %s: resend %d is finished.", run.stream.name, resend.id)


def _send_range(run: RunContext, resend: Resend) -> Outcome:
    with enter_resend(run, resend) as inner:
        return export_changes(inner, resend.horizon, min(SMALL_REQUEST, run.options.batch_size))[0]


def _send_record(run: RunContext, resend: Resend) -> Outcome:
    if not run.has_credits():
        return Outcome.WAITING_FOR_CREDITS
    batch = plan_batch(run, "keys", keys=[resend.key], **run.watermark.as_values())
    if batch is not None:
        run.settle(batch, run.send_batch(batch, stop_at_rejection=False), move=False)
        ExportResends(run.connection).count(resend.id, len(batch.rows))
    return Outcome.COMPLETE

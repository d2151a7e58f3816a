"""The export of one stream: every row changed since the watermark, in order."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, replace
from typing import Any

from include.export.bulk import JobPending, settle_unsettled
from include.export.ledger import ExportHolds, ExportWatermarks, Holder, Outcome, explain_database_errors
from include.export.options import SMALL_REQUEST
from include.export.run import RunContext, RunInputs, open_run
from include.export.source import find_blocking_transaction, format_count, read_horizon
from include.export.tasks.changes import end_held, export_changes
from include.export.tasks.look_back import send_late_rows, warn_of_late_source
from include.export.tasks.reexport import send_released
from include.export.tasks.resend import continue_resends
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
    rejected: int = 0
    api_calls: int = 0
    watermark: str | None = None
    message: str = ""
    job_id: str | None = None  # the Bulk job that Salesforce is processing; the run continues when it has finished

    def as_dict(self) -> dict[str, Any]:
        """Return the report for a task's return value."""
        return asdict(self) | {"outcome": str(self.outcome)}


def export_stream(
    inputs: RunInputs,
) -> ExportReport:
    """Export the rows that changed in a stream's source since its watermark, and return what was done.

    With `options.pause_on_export_errors` the run stops before the first rejected record and the watermark stays
    there; without it, rejected records are recorded and passed over. The connection is in autocommit mode, with the
    application name crm_export and the time zone UTC.

    Raises RunFailure when no record is to blame; the watermark is then that of the last settled batch.
    """
    busy = _find_busy_parent(inputs)
    if busy:
        return ExportReport(inputs.stream.name, Outcome.ALREADY_RUNNING, message=busy)
    with open_run(inputs, "export") as run:
        if run is None:
            return ExportReport(inputs.stream.name, Outcome.ALREADY_RUNNING, message=_describe_holder(inputs))
        outcome, message = _export(run)
        report = _report(run, outcome, message)
    return _leave_to_its_run(report, inputs)


def _find_busy_parent(inputs: RunInputs) -> str | None:
    """Return why a stream must wait: its rows are sent after those of its parents, whichever run sends these."""
    with explain_database_errors(inputs.stream.name):
        for parent in inputs.stream.after:
            holder = ExportWatermarks(inputs.connection).find_holder(parent)
            # a check holds it between the turns of exports: this run's export of the parent has had one
            if holder and not holder.yields and not _is_ours(holder, inputs):
                since = f"has been exporting the parent stream {parent} since {holder.since} UTC"
                return f"{holder} {since}. Nothing was sent."
    return None


def _describe_holder(inputs: RunInputs) -> str:
    holder = ExportWatermarks(inputs.connection).find_holder(inputs.stream.name)
    if holder is None:
        return "Another run exported this stream. Nothing was sent."
    return f"{holder} has been exporting this stream since {holder.since} UTC. Nothing was sent."


def _leave_to_its_run(report: ExportReport, inputs: RunInputs) -> ExportReport:
    """Return the report of a run that waits for a Bulk job; a job of another run is left to that run."""
    if report.job_id is None:
        return report
    with explain_database_errors(report.stream):
        holder = ExportWatermarks(inputs.connection).find_job_holder(report.stream, report.job_id)
    if holder is None or _is_ours(holder, inputs):
        return report
    message = (
        f"{holder} has been exporting this stream since {holder.since} UTC and is waiting for Bulk job {report.job_id}."
    )
    return replace(report, outcome=Outcome.ALREADY_RUNNING, message=message, job_id=None)


def _is_ours(holder: Holder, inputs: RunInputs) -> bool:
    return (holder.dag_id, holder.run_id) == (inputs.identity.dag_id, inputs.identity.run_id)


def _export(run: RunContext) -> tuple[Outcome, str]:
    try:
        settle_unsettled(run)
        _warn_of_unreadable(run)
        warn_of_late_source(run)
        horizon = read_horizon(run.stream, run.connection)
        _note_oldest_change(run, horizon)
        with run.lease.transaction():
            run.errors.release(run.stream.name)
        size = min(SMALL_REQUEST, run.options.batch_size)
        if run.state.stopped_at_error_id is not None:
            stop = examine_stop(run, horizon)
            if stop is Stop.WAITS:
                return end_held(horizon)
            size = 1 if stop is Stop.PROBE else size
        send_released(run, horizon)
        send_late_rows(run)
        outcome, message = export_changes(run, horizon, size)
        if outcome is Outcome.COMPLETE:
            continue_resends(run)
    except JobPending as pending:
        run.job_id = pending.job_id
        return (
            Outcome.WAITING_FOR_JOB,
            f"Salesforce is processing Bulk job {pending.job_id}; its results are settled when it has finished.",
        )
    return outcome, message


def _note_oldest_change(run: RunContext, horizon: str) -> None:
    oldest = run.source.peek(run.state.watermark, horizon)
    if oldest is not None:
        run.entry.note_oldest_change(oldest.cursor_at)


def _warn_of_unreadable(run: RunContext) -> None:
    run.source.columns  # noqa: B018 - names a missing table or column before anything else does
    without, future = run.source.count_unreadable()
    if without or future:
        log.warning(
            "Stream %s: %d rows have no %s and %d have one in the future; they are not exported until it is corrected "
            "(counted up to 1,000 each).",
            run.stream.name, without, run.stream.cursor, future,
        )  # fmt: skip


def _report(run: RunContext, outcome: Outcome, message: str) -> ExportReport:
    waiting = None
    if outcome is Outcome.HELD:
        horizon = read_horizon(run.stream, run.connection)
        waiting = max(run.source.count_waiting(run.state.watermark, horizon) - 1, 0)
        message = f"Stopped at a rejected record; {format_count(waiting)} changed rows wait behind it."
        message = " ".join([message, *ExportHolds(run.connection).read_behind(run.stream.name).lines])
    blocking = find_blocking_transaction(run.source)
    if blocking is not None:
        run.entry.note_blocking(blocking)
        message = f"{message} {blocking}"
    totals = run.end(outcome, message, waiting=waiting)
    watermark = str(run.state.watermark) if run.state.watermark else None
    return ExportReport(
        run.stream.name, outcome, **asdict(totals), watermark=watermark, message=message, job_id=run.job_id
    )

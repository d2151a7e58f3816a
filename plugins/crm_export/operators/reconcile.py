"""The operators of CRMExport_Reconcile: late rows, records without a source row, changes of the org, checks."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol

from airflow.sdk import BaseOperator, Context

from crm_export.connections import open_inputs, open_postgres
from crm_export.operators.base import ExportOperator, asset_of, task_for
from crm_export.operators.requests import identify_run
from crm_export.settings import read_options
from include.export.inspection import report_drift
from include.export.positions import Position
from include.export.reconcile import BrokenCheck, SumCheck, export_late_rows, report_orphans, run_check
from include.export.run import RunInputs
from include.export.streams import BrokenStream, Stream


class StreamReport(Protocol):
    """The outcome of a task for one stream."""

    message: str

    def as_dict(self) -> dict[str, Any]:
        """Return the counts."""


class ReconcileOperator(ExportOperator):
    """Compares a stream's source with Salesforce in one way, logs the outcome and returns its counts."""

    ui_color = "#e5dbff"

    def __init__(self, *, stream: Stream, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stream = stream

    def perform(self, context: Context) -> dict[str, Any]:
        """Compare and return counts."""
        with open_inputs(self.stream, read_options(), identify_run(context)) as inputs:
            report = self.compare(inputs, context)
        self.log.info("%s: %s", self.stream.name, report.message)
        return report.as_dict()

    @abstractmethod
    def compare(self, inputs: RunInputs, context: Context) -> StreamReport:
        """Compare and return the outcome."""


class ExportLateRowsOperator(ReconcileOperator):
    """Exports the rows that appeared below a stream's watermark, and detects failovers and restored backups."""

    ui_color = "#d0ebff"

    def __init__(self, *, stream: Stream, **kwargs: Any) -> None:
        super().__init__(stream=stream, inlets=[asset_of(stream.name)], **kwargs)

    def compare(self, inputs: RunInputs, context: Context) -> StreamReport:
        """Export the late rows."""
        published = read_published_watermark(self.stream.name, context)
        return export_late_rows(inputs, published_watermark=published)


class ReportOrphansOperator(ReconcileOperator):
    """Reports records that are in Salesforce but no longer in the source of a stream; changes nothing."""

    def compare(self, inputs: RunInputs, context: Context) -> StreamReport:
        """List the records and compare."""
        return report_orphans(inputs)


class ReportDriftOperator(ReconcileOperator):
    """Reports changes of the org that a stream file does not match: fields, rights, picklists; changes nothing."""

    def compare(self, inputs: RunInputs, context: Context) -> StreamReport:
        """Describe the object and compare."""
        return report_drift(inputs)


class CheckSumsOperator(ExportOperator):
    """Reports groups of exported rows that do not add up; changes nothing."""

    ui_color = "#e5dbff"

    def __init__(self, *, check: SumCheck, stream: Stream, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.check, self.stream = check, stream

    def perform(self, context: Context) -> dict[str, Any]:
        """Check, report, and return counts."""
        with open_postgres(self.stream.postgres) as connection:
            report = run_check(self.check, self.stream, connection=connection, run=identify_run(context))
        self.log.info("Check %s: %s", self.check.name, report.message)
        return report.as_dict()


def read_published_watermark(stream_name: str, context: Context) -> Position | None:
    """Return the watermark in the last event of the stream's asset, which is kept outside the exporter's database."""
    newest = list(context["inlet_events"][asset_of(stream_name)].ascending(False).limit(1))  # one event, one query
    extra = (newest[0].extra if newest else None) or {}
    cursor_at, record_key = extra.get("watermark"), extra.get("record_key")
    return Position(str(cursor_at), str(record_key)) if cursor_at and record_key else None


def task_for_check(
    check: SumCheck | BrokenCheck, streams: Sequence[Stream | BrokenStream], **kwargs: Any
) -> BaseOperator:
    """Return the task of a check, or one that fails with the mistake in its file or in that of its stream."""
    if isinstance(check, BrokenCheck):
        return task_for(check, CheckSumsOperator, **kwargs)
    found = next((stream for stream in streams if stream.name == check.stream), None)
    if isinstance(found, Stream):
        return task_for(found, CheckSumsOperator, check=check, **kwargs)
    known = ", ".join(stream.name for stream in streams)
    message = f"Check file {check.name}.yaml: stream: {check.stream} is not a usable stream. Streams: {known}"
    return task_for(BrokenCheck(name=check.name, message=message), CheckSumsOperator, **kwargs)

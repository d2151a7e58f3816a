"""Metrics through Airflow's own stats (StatsD or OpenTelemetry), with the tag `stream`."""

from __future__ import annotations

from collections.abc import Mapping

from airflow.sdk.observability import stats

from include.export.tasks import ExportReport

# what is measured at the end of a run, and its unit; Airflow puts its own prefix before the name
COUNTERS = {
    "rows_changed": "rows that a run found changed",
    "rows_sent": "rows sent to Salesforce",
    "accepted": "rows that Salesforce accepted",
    "rejected": "rows that Salesforce or a local rule rejected",
    "api_calls": "API calls",
}
GAUGES = {
    "rows_waiting": "changed rows after the watermark, counted up to 10,000",
    "open_errors": "unresolved rows of ExportErrors",
    "held": "1 while the stream is held, else 0",
    "lag_seconds": "age of the oldest change that is not exported, in seconds",
    "run_seconds": "duration of the last run, in seconds",
}
PREFIX = "crm_export"


def count_amounts(report: ExportReport) -> dict[str, int]:
    """Return the counts of a run by names of COUNTERS."""
    return {
        "rows_changed": report.rows_changed,
        "rows_sent": report.rows_sent,
        "accepted": report.accepted,
        "rejected": report.rejected,
        "api_calls": report.api_calls,
    }


def count_run(stream: str, amounts: Mapping[str, int], seconds: float) -> None:
    """Report what a run did; `amounts` by names of COUNTERS."""
    for name, amount in amounts.items():
        if amount:
            stats.incr(f"{PREFIX}.{name}", amount, tags={"stream": stream})
    report_gauges(stream, {"run_seconds": seconds})


def report_gauges(stream: str, values: Mapping[str, float]) -> None:
    """Report the state of a stream; `values` by names of GAUGES."""
    for name, value in values.items():
        stats.gauge(f"{PREFIX}.{name}", value, tags={"stream": stream})

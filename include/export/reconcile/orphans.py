"""Records that are in Salesforce but no longer in the source: reported, never deleted."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from typing import Any

from include.export.ledger import (
    NO_SOURCE_ROW,
    ExportFindings,
    Outcome,
    RunEntry,
    count_calls_of_the_day,
)
from include.export.options import LISTING_CREDIT_SHARE, ExportOptions
from include.export.reconcile.org_listing import RECORDS_OF_A_PAGE, Listing
from include.export.record_sql import RecordForm
from include.export.run import RunInputs, describe_anew, open_report
from include.export.source import Source, may_hide_rows
from include.export.streams import Operation

log = logging.getLogger(__name__)


@dataclass
class OrphansReport:
    """The result of a report: counts, never records."""

    stream: str
    listed: int = 0
    without_source: int = 0
    api_calls: int = 0
    message: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the report for a task's return value."""
        return asdict(self)


def report_orphans(inputs: RunInputs) -> OrphansReport:
    """Report the records whose external id no source row has; nothing is changed in Salesforce.

    Only streams that create records are compared: other streams update records that others own. The listing costs one
    call per 2,000 records and is skipped if it would exceed half of the daily API limit. Raises RunFailure when
    Salesforce or Postgres fails.
    """
    stream, client = inputs.stream, inputs.client
    report = OrphansReport(stream.name)
    if stream.operation is not Operation.UPSERT:
        report.message = f"{stream.name} only updates records that others create; there is nothing to compare."
        return report
    with open_report(inputs) as entry:
        outcome = _report(Listing(stream, inputs.connection, client), inputs.options, entry, report)
        report.api_calls = entry.end(outcome, report.message, api_calls=client.api_calls).api_calls
    return report


def _report(listing: Listing, options: ExportOptions, entry: RunEntry, report: OrphansReport) -> Outcome:
    source = Source(listing.stream, listing.connection)
    if may_hide_rows(source):
        report.message = (
            f"Not compared: {listing.stream.source} may have rows that cannot be seen (row_security: true, or a "
            "foreign table), so a record without a row proves nothing."
        )
        return Outcome.COMPLETE
    calls = -(-listing.count() // RECORDS_OF_A_PAGE)
    left = (
        options.daily_api_limit * LISTING_CREDIT_SHARE
        - count_calls_of_the_day(listing.connection, listing.stream.name)
        - listing.client.api_calls
    )
    if calls > left:
        report.message = (
            f"Not compared: listing the records takes {calls:,} API calls, and {max(left, 0):,.0f} are left."
        )
        log.warning("Stream %s: %s", report.stream, report.message)
        return Outcome.WAITING_FOR_CREDITS
    report.listed = listing.fetch()
    form = RecordForm(listing.stream, describe_anew(listing.stream, listing.client), source.columns)
    found = listing.find_without_source(source, form.identity)
    report.without_source = len(found)
    findings = ExportFindings(listing.connection, report.stream, entry.id)
    detail = f"{listing.stream.object} {{}} has no row in {listing.stream.source}; delete it there, or restore the row."
    findings.note(NO_SOURCE_ROW, [(external_id, detail.format(record)) for external_id, record in found])
    findings.close_others(NO_SOURCE_ROW)
    report.message = f"{report.listed:,} records listed, {report.without_source:,} without a row in the source."
    return Outcome.COMPLETE

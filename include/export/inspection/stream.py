"""Checks a stream: its source, then how it fits the object in Salesforce."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from include.export.inspection.checklist import CheckLine, Checklist
from include.export.inspection.estimate import estimate_calls
from include.export.inspection.mapping import FoundSource, check_mapping
from include.export.inspection.org import DescribedOrg
from include.export.inspection.source_rows import check_rows
from include.export.inspection.source_shape import check_shape, check_transactions
from include.export.ledger import ExportWatermarks, explain_database_errors
from include.export.run import check_organization
from include.export.source import Source, count_waiting_changes, read_declared_lengths
from include.export.streams import Stream


@dataclass(frozen=True)
class StreamCheck:
    """The lines about a stream, and the estimated API calls for its waiting rows."""

    lines: list[CheckLine]
    calls: int = 0


def check_stream(
    stream: Stream,
    connection: psycopg.Connection | None,
    org: DescribedOrg | None,
    *,
    is_ready: bool = True,
    paused: bool = True,
    show_values: bool = True,
) -> StreamCheck:
    """Check a stream at a prepared connection and an org; None for what could not be reached, which is skipped.

    `is_ready`: the schema crm_export can be used; `paused` is the setting pause_on_export_errors. Values of the source
    are shown only with `show_values`.
    """
    checks, calls = Checklist(stream.name), 0
    found: FoundSource | None = None
    if connection is not None:
        source = Source(stream, connection)
        with checks.judge("source"), explain_database_errors(stream.name, stream, connection):
            source.columns  # noqa: B018 - names a missing table or column before anything else does
            checks.ok("source", f"{stream.source} has the {len(stream.fields)} columns of fields, key and cursor.")
            check_shape(source, checks)
            rows = check_rows(source, checks)
            found = FoundSource(source, read_declared_lengths(stream, connection), rows, show_values)
            if is_ready:
                check_transactions(source, checks)
                calls = _check_waiting(source, checks, paused=paused)
    if org is not None:
        with checks.judge("object"), explain_database_errors(stream.name, stream, connection):
            if connection is not None and is_ready:
                known = ExportWatermarks(connection).read_organization(stream.name)
                check_organization(stream, known, org.client.session.organization_id)
            check_mapping(stream, org, checks, found)
    return StreamCheck(checks.lines, calls)


def _check_waiting(source: Source, checks: Checklist, *, paused: bool) -> int:
    """Count the waiting rows and return the estimated API calls."""
    stream = source.stream
    after = ExportWatermarks(source.connection).read_position(stream.name)
    waiting = count_waiting_changes(stream, after, source.connection)
    if waiting.rows is None:
        checks.warn("waiting", waiting.problem or "The waiting rows could not be counted.")
        return 0
    size = estimate_calls(stream, waiting.rows, paused=paused)
    counted = f"more than {waiting.rows:,}" if waiting.capped else f"{waiting.rows:,}"
    checks.ok("waiting", f"{counted} rows wait: {size.text}.")
    return size.calls

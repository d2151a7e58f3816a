"""`resend`: previews a resend and requests it; CRMExport carries it out."""

from __future__ import annotations

import argparse
from dataclasses import asdict

import psycopg

from crm_export.command_line.output import OK, WRONG, Output
from crm_export.connections import open_postgres
from include.export.ledger import ExportResends
from include.export.reports import ResendPreview, preview_resend
from include.export.streams import Stream, find_stream


def ask_resend(asked: argparse.Namespace, output: Output) -> int:
    """Show what a resend will do and, with --yes, request it."""
    stream = find_stream(asked.stream)
    with open_postgres(stream.postgres) as connection:
        if asked.new_org:
            return _begin_new_org(stream, asked, connection, output)
        keys = None if asked.key is None else [asked.key]
        preview = preview_resend(stream, connection, from_at=asked.from_at, to_at=asked.to_at, keys=keys)
        if preview.missing:
            output.add(preview=asdict(preview))
            output.line(f"No exported row has the key {asked.key}. Nothing was requested.")
            return WRONG
        _show(preview, output)
        if not preview.rows:
            output.line("No exported row is in the range. Nothing was requested.")
            return WRONG
        if asked.yes:
            number = ExportResends(connection).ask(
                stream.name, asked_by=asked.by, reason=asked.reason, key=asked.key, from_at=asked.from_at,
                to_at=asked.to_at, rows=preview.rows,
            )  # fmt: skip
            output.add(resend=number)
            output.line(f"Resend {number} is requested. CRMExport sends the rows in its next runs until all are sent.")
        else:
            output.line("Nothing was requested. Add --yes to do it.")
    return OK


def _show(preview: ResendPreview, output: Output) -> None:
    output.add(preview=asdict(preview))
    sent = f"{preview.jobs:,} jobs" if preview.jobs else f"{preview.requests:,} requests"
    output.line(
        f"{preview.rows:,} rows in {sent}, about {preview.api_calls:,} API calls{preview.duration}. "
        "The watermark does not move."
    )


def _begin_new_org(stream: Stream, asked: argparse.Namespace, connection: psycopg.Connection, output: Output) -> int:
    if not asked.yes:
        output.line(
            f"Stream {stream.name} would start from the beginning: every row is exported to the org that the "
            "connection leads to now. Its watermark is cleared and its export errors are closed. Add --yes to do it."
        )
        return OK
    began = ExportResends(connection).begin_new_org(stream.name, asked_by=asked.by, reason=asked.reason)
    output.add(began_anew=began)
    output.line(
        "It starts from the beginning at the next run." if began else "It has never exported: nothing to clear."
    )
    return OK

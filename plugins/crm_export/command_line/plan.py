"""`plan`: what the next run of a stream would do."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from crm_export.command_line.output import OK, Output
from crm_export.connections import open_inputs
from crm_export.settings import read_options
from include.export.inspection import SHOWN_ROWS, Forecast, PlannedRow, forecast_run
from include.export.ledger import RunIdentity
from include.export.streams import Stream, find_stream

_ACTIONS = {"create": "creates", "update": "updates", "delete": "deletes", "absent": "not in Salesforce"}


def show_plan(asked: argparse.Namespace, output: Output) -> int:
    """Show the waiting rows, what sending them takes, and the first of them as they would be sent."""
    stream = find_stream(asked.stream)
    with open_inputs(stream, read_options(), RunIdentity("command line", "plan", 1, "plan")) as inputs:
        forecast = forecast_run(inputs)
    counts = {action: forecast.count(action) for action in _ACTIONS} | {"rejected": len(forecast.rejected)}
    _print(stream, forecast, counts, output)
    shown = [row for row in forecast.rows if row.verdict is None][:SHOWN_ROWS]
    output.add(
        stream=stream.name, held_at=forecast.held_at, rows_waiting=forecast.rows_waiting, **asdict(forecast.size),
        sampled=len(forecast.rows), counts=counts, rows=[asdict(row) for row in shown],
        rejected=[asdict(row) for row in forecast.rejected],
    )  # fmt: skip
    return OK


def _print(stream: Stream, forecast: Forecast, counts: dict[str, int], output: Output) -> None:
    output.line(f"{stream.name}: {forecast.rows_waiting} rows wait: {forecast.size.text}.")
    if forecast.held_at is not None:
        output.line(f"It is held at key={forecast.held_at}; the next run tries that record first.")
    if not forecast.rows:
        output.line("Nothing has changed.")
        return
    becomes = ", ".join(f"{counts[action]:,} {name}" for action, name in _ACTIONS.items() if counts[action])
    output.line(
        f"Of the first {len(forecast.rows):,}: {becomes or 'none is sent'}, "
        f"{counts['rejected']:,} rejected before they are sent."
    )
    for row in [row for row in forecast.rows if row.verdict is None][:SHOWN_ROWS]:
        output.line(_describe(stream, row))
    for row in forecast.rejected[:SHOWN_ROWS]:
        output.line(f"rejected  key={row.key}: {row.verdict}")
    output.line("Nothing was sent.")


def _describe(stream: Stream, row: PlannedRow) -> str:
    return f"{row.action:<8}  {stream.object} {stream.external_id}={row.external_id}  {row.record or ''}".rstrip()

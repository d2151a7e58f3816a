"""`status`: the state of each stream."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict

from crm_export.command_line.output import OK, WRONG, Output
from crm_export.connections import find_databases, open_postgres
from include.export.reports import StreamSummary, summarise_streams
from include.export.streams import BrokenStream, Stream, load_streams

WIDTH = 78  # columns of a terminal; longer lines are cut


def show_status(asked: argparse.Namespace, output: Output) -> int:
    """Show a line per stream; exit code 1 while one is held, broken or failed, or has unresolved errors or findings."""
    loaded = load_streams()
    summaries = {name: summary for database in find_databases(loaded) for name, summary in _read(database, loaded)}
    wrong = False
    for stream in loaded:
        state, well = _describe(stream.name, summaries.get(stream.name), isinstance(stream, Stream))
        wrong |= not well
        output.line(f"{'ok  ' if well else '!!  '}{stream.name[:30]:<30}  {state}"[:WIDTH])
    output.add(streams=[asdict(summary) for summary in summaries.values()], well=not wrong)
    return WRONG if wrong else OK


def _read(database: str, loaded: Sequence[Stream | BrokenStream]) -> list[tuple[str, StreamSummary]]:
    """Return the streams of a database with their state."""
    names = [stream.name for stream in loaded if not isinstance(stream, Stream) or stream.postgres == database]
    with open_postgres(database) as connection:
        return [(summary.stream, summary) for summary in summarise_streams(names, connection=connection)]


def _describe(name: str, summary: StreamSummary | None, usable: bool) -> tuple[str, bool]:
    if not usable:
        return "its stream file is broken", False
    if summary is None:
        return "never exported", True
    if summary.held_key is not None:
        return f"held at key={summary.held_key}: {summary.held_code}", False
    unresolved = summary.errors.unresolved
    state = f"{summary.outcome or 'never exported'}, {unresolved:,} unresolved errors, {summary.findings:,} findings"
    return state, summary.outcome != "failed" and not unresolved and not summary.findings

"""`check`: what is wrong before anything is sent, a line each with what to do."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict

import psycopg

from crm_export.command_line.check_settings import check_alerts, check_pool
from crm_export.command_line.output import OK, WRONG, Output
from crm_export.connections import make_salesforce_client, open_postgres
from crm_export.settings import read_options
from include.export.inspection import (
    CheckLine,
    Checklist,
    DescribedOrg,
    Level,
    check_database,
    check_limits,
    check_login,
    check_stream,
)
from include.export.options import ExportOptions
from include.export.salesforce import SalesforceClient
from include.export.streams import BrokenStream, Stream, find_stream, load_streams

PATIENCE = 10  # seconds that a database may take to answer


def show_check(asked: argparse.Namespace, output: Output) -> int:
    """Check all streams or one; 1 while a line says fail."""
    lines = []
    for line in _check(asked.stream):
        lines.append(line)
        output.line(f"{line.level:<4}  {line.subject}  {line.check}: {line.message}")
    counted = Counter(line.level for line in lines)
    output.line(f"{counted[Level.FAIL]:,} to correct, {counted[Level.WARN]:,} to look at, {counted[Level.OK]:,} well.")
    output.add(lines=[asdict(line) for line in lines], well=not counted[Level.FAIL])
    return WRONG if counted[Level.FAIL] else OK


def _check(name: str | None) -> Iterator[CheckLine]:
    loaded = load_streams()
    if name is not None and not any(stream.name == name for stream in loaded):
        find_stream(name)  # raises with the names that there are
    chosen = [stream for stream in loaded if name in {None, stream.name}]
    for broken in chosen:
        if isinstance(broken, BrokenStream):
            yield CheckLine(Level.FAIL, broken.name, "file", broken.message)
    yield from _check_streams([stream for stream in chosen if isinstance(stream, Stream)], read_options())
    yield from check_alerts([stream.name for stream in loaded])
    yield from check_pool()


def _check_streams(streams: list[Stream], options: ExportOptions) -> Iterator[CheckLine]:
    with ExitStack() as opened:
        databases, ready, lines = _open_databases(streams, opened)
        yield from lines
        orgs, lines = _open_orgs({stream.salesforce for stream in streams})
        yield from lines
        calls: Counter[str] = Counter()
        for stream in streams:
            org = orgs.get(stream.salesforce)
            found = check_stream(
                stream, databases.get(stream.postgres), org, is_ready=stream.postgres in ready,
                paused=options.pause_on_export_errors,
            )  # fmt: skip
            calls[stream.salesforce] += found.calls
            yield from found.lines
        for name, org in orgs.items():
            yield from check_limits(name, org.client, calls[name], options.daily_api_limit)


def _open_databases(
    streams: list[Stream], opened: ExitStack
) -> tuple[dict[str, psycopg.Connection], set[str], list[CheckLine]]:  # fmt: skip
    """Open the databases of streams until the end of the stack; those that fail are lines.

    Returns the connections, the names of those that an export could use, and the lines.
    """
    databases, ready, lines = {}, set(), []
    for name in sorted({stream.postgres for stream in streams}):
        checks = Checklist(name)
        with checks.judge("postgres"):
            databases[name] = opened.enter_context(open_postgres(name, patience=PATIENCE))
            readers = [stream for stream in streams if stream.postgres == name]
            found = check_database(name, databases[name], readers)
            checks.lines += found.lines
            ready |= {name} if found.is_ready else set()
        lines += checks.lines
    return databases, ready, lines


def _open_orgs(names: Iterable[str]) -> tuple[dict[str, DescribedOrg], list[CheckLine]]:
    """Log in to the orgs of streams; those that fail are lines."""
    orgs, lines = {}, []
    for name in sorted(names):
        checks = Checklist(name)
        with checks.judge("login"):
            client: SalesforceClient = make_salesforce_client(name)
            checks.lines += check_login(name, client)
            orgs[name] = DescribedOrg(client)
        lines += checks.lines
    return orgs, lines

"""Checking streams with their connections, databases and orgs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack

import psycopg

from crm_export.checks.settings import check_alerts, check_pool
from crm_export.connections import make_salesforce_client, open_postgres
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
from include.export.postgres import limit_statements
from include.export.salesforce import SalesforceClient
from include.export.streams import BrokenStream, Stream, find_stream, load_streams

PATIENCE = 10  # seconds that a database may take to answer


def check_everything(
    name: str | None, options: ExportOptions, *, statement_seconds: int | None = None, show_values: bool = True
) -> Iterator[CheckLine]:
    """Check one stream or all, the alert channels and the pool; yields a line per check.

    A statement in a database may take `statement_seconds`, None for any time. Source values are shown only with
    `show_values`. Raises ConfigurationFailure for an unknown stream.
    """
    loaded = load_streams()
    if name is not None and not any(stream.name == name for stream in loaded):
        find_stream(name)  # raises, with the names of the streams
    chosen = [stream for stream in loaded if name in {None, stream.name}]
    for broken in chosen:
        if isinstance(broken, BrokenStream):
            yield CheckLine(Level.FAIL, broken.name, "file", broken.message)
    usable = [stream for stream in chosen if isinstance(stream, Stream)]
    yield from _check_streams(usable, options, statement_seconds, show_values=show_values)
    yield from check_alerts([stream.name for stream in loaded])
    yield from check_pool()


def _check_streams(
    streams: list[Stream], options: ExportOptions, statement_seconds: int | None, *, show_values: bool
) -> Iterator[CheckLine]:  # fmt: skip
    with ExitStack() as opened:
        databases, ready, lines = _open_databases(streams, opened, statement_seconds)
        yield from lines
        orgs, lines = _open_orgs({stream.salesforce for stream in streams})
        yield from lines
        calls: Counter[str] = Counter()
        for stream in streams:
            org = orgs.get(stream.salesforce)
            found = check_stream(
                stream, databases.get(stream.postgres), org, is_ready=stream.postgres in ready,
                paused=options.pause_on_export_errors, show_values=show_values,
            )  # fmt: skip
            calls[stream.salesforce] += found.calls
            yield from found.lines
        for name, org in orgs.items():
            yield from check_limits(name, org.client, calls[name], options.daily_api_limit)


def _open_databases(
    streams: list[Stream], opened: ExitStack, statement_seconds: int | None
) -> tuple[dict[str, psycopg.Connection], set[str], list[CheckLine]]:  # fmt: skip
    """Open the databases of streams until the stack is closed; each failure becomes a line.

    Returns the connections, the names of the databases that an export could use, and the lines.
    """
    databases, ready, lines = {}, set(), []
    for name in sorted({stream.postgres for stream in streams}):
        checks = Checklist(name)
        with checks.judge("postgres"):
            databases[name] = opened.enter_context(open_postgres(name, patience=PATIENCE))
            if statement_seconds is not None:
                limit_statements(databases[name], statement_seconds)
            readers = [stream for stream in streams if stream.postgres == name]
            found = check_database(name, databases[name], readers)
            checks.lines += found.lines
            ready |= {name} if found.is_ready else set()
        lines += checks.lines
    return databases, ready, lines


def _open_orgs(names: Iterable[str]) -> tuple[dict[str, DescribedOrg], list[CheckLine]]:
    """Log in to the orgs of streams; each failure becomes a line."""
    orgs, lines = {}, []
    for name in sorted(names):
        checks = Checklist(name)
        with checks.judge("login"):
            client: SalesforceClient = make_salesforce_client(name)
            checks.lines += check_login(name, client)
            orgs[name] = DescribedOrg(client)
        lines += checks.lines
    return orgs, lines

"""The state of the streams for people: what is held and why, what waits, what the last runs did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
from psycopg.rows import dict_row

from include.export.positions import Position
from include.export.reports.blockers import Blocker, find_blockers
from include.export.reports.error_counts import ErrorCounts, count_errors, count_findings, sum_errors
from include.export.reports.vocabulary import ErrorKind, ErrorStatus, RunOutcome, StreamOperation
from include.export.salesforce import Catalogue
from include.export.source import WaitingChanges, count_waiting_changes, read_now
from include.export.streams import Loaded, Stream, find_children
from include.sql import load_statement


@dataclass(frozen=True)
class WatermarkState:
    """How far a stream is exported."""

    changed_at: str
    record_key: str


@dataclass(frozen=True)
class Parent:
    """The rejected parent that a held record waits for."""

    error_id: int
    stream: str
    record_key: str


@dataclass(frozen=True)
class Held:
    """The record at which a stream is stopped; `since` is None until the gate has recorded the hold.

    `arrived_behind` is how many later rows a Bulk job may have brought to Salesforce already, `rejected_behind` how
    many of its rejections are not listed, by code; both are empty where the stop is exact.
    """

    since: str | None
    error_id: int
    record_key: str
    status: ErrorStatus
    code: str
    name: str
    error_class: ErrorKind
    message: str
    fields: list[str]
    advice: str
    attempts: int
    arrived_behind: int
    rejected_behind: dict[str, int]
    parent: Parent | None
    rows_behind: int | None
    rows_behind_capped: bool


@dataclass(frozen=True)
class RunLine:
    """One export of a stream."""

    kind: str
    dag_id: str
    run_id: str
    task_id: str
    try_number: int
    started_at: str
    ended_at: str | None
    outcome: RunOutcome
    message: str | None
    rows_changed: int
    rows_sent: int
    accepted: int
    rejected: int
    api_calls: int
    paused_on_errors: bool


@dataclass(frozen=True)
class RunPoint:
    """One export in the small chart."""

    at: str
    accepted: int
    rejected: int
    outcome: RunOutcome


@dataclass(frozen=True)
class StreamOverview:
    """The state of one stream."""

    name: str
    object: str | None = None
    source: str | None = None
    operation: StreamOperation | None = None
    broken: str | None = None
    parents: list[str] = field(default_factory=list)
    children: list[str] = field(default_factory=list)
    watermark: WatermarkState | None = None
    rows_waiting: int | None = None
    rows_waiting_capped: bool = False
    oldest_age_seconds: int | None = None
    problem: str | None = None
    held: Held | None = None
    errors: ErrorCounts = field(default_factory=ErrorCounts)
    findings: int = 0
    running: bool = False
    last_run: RunLine | None = None
    recent_runs: list[RunPoint] = field(default_factory=list)


@dataclass(frozen=True)
class Summary:
    """All streams together: what is missing from Salesforce, and the names of the streams with problems."""

    unresolved: int
    errors: ErrorCounts
    findings: int
    waiting_rows: int
    waiting_rows_capped: bool
    oldest_age_seconds: int | None
    held: list[str]
    failed: list[str]
    broken: list[str]
    waiting_for_credits: list[str]
    uncounted: list[str]
    never_run: bool


@dataclass(frozen=True)
class Overview:
    """The state of all streams, parents before children, and which sessions hold them back."""

    at: str
    streams: list[StreamOverview]
    summary: Summary
    blockers: list[Blocker]


def read_overview(streams: Sequence[Loaded], *, connection: psycopg.Connection, catalogue: Catalogue) -> Overview:
    """Return the state of the streams; waiting rows are counted in their sources, for a second each at most."""
    names = [stream.name for stream in streams]
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(load_statement("reports/overview_streams"), {"streams": names}).fetchall()
    known = {row["stream"]: row for row in rows}
    errors, findings = count_errors(connection), count_findings(connection)
    states = [
        replace(
            _read_state(stream, streams, known.get(stream.name), connection, catalogue),
            errors=errors.get(stream.name, ErrorCounts()),
            findings=findings.get(stream.name, 0),
        )
        for stream in streams
    ]
    blockers = find_blockers(streams, connection=connection)
    summary = _summarise(states, sum_errors(errors.values()), sum(findings.values()))
    return Overview(read_now(connection), states, summary, blockers)


def describe_stream(stream: Loaded, streams: Sequence[Loaded]) -> StreamOverview:
    """Return the overview of a stream from the stream files alone."""
    family: dict[str, Any] = {
        "name": stream.name, "parents": list(stream.after), "children": find_children(stream.name, streams)
    }  # fmt: skip
    if not isinstance(stream, Stream):
        return StreamOverview(**family, broken=stream.message)
    return StreamOverview(**family, object=stream.object, source=stream.source, operation=stream.operation.value)


def _read_state(
    stream: Loaded,
    streams: Sequence[Loaded],
    row: dict[str, Any] | None,
    connection: psycopg.Connection,
    catalogue: Catalogue,
) -> StreamOverview:
    described = describe_stream(stream, streams)
    if not isinstance(stream, Stream):
        return described
    waiting = count_waiting_changes(stream, _position(row), connection)
    return replace(
        described,
        rows_waiting=waiting.rows,
        rows_waiting_capped=waiting.capped,
        oldest_age_seconds=waiting.oldest_age_seconds,
        problem=waiting.problem,
        **(_read_row(row, waiting, catalogue) if row else {}),
    )


def _position(row: dict[str, Any] | None) -> Position | None:
    return Position(row["cursor_at"], row["record_key"]) if row and row["cursor_at"] else None


def _read_row(row: dict[str, Any], waiting: WaitingChanges, catalogue: Catalogue) -> dict[str, Any]:
    runs = [_read_run(run) for run in row["runs"] or []]
    return {
        "watermark": WatermarkState(row["changed_at"], row["record_key"]) if row["changed_at"] else None,
        "held": _read_held(row["held"], waiting, catalogue) if row["held"] else None,
        "running": row["running"],
        "last_run": runs[0] if runs else None,
        "recent_runs": [RunPoint(run.started_at, run.accepted, run.rejected, run.outcome) for run in reversed(runs)],
    }


def _read_held(held: dict[str, Any], waiting: WaitingChanges, catalogue: Catalogue) -> Held:
    parent = held.pop("parent")
    return Held(
        **held,
        advice=catalogue.classify(held["code"], held["message"]).advice,
        parent=Parent(**parent) if parent else None,
        rows_behind=None if waiting.rows is None else max(waiting.rows - 1, 0),
        rows_behind_capped=waiting.capped,
    )


def _read_run(run: dict[str, Any]) -> RunLine:
    return RunLine(**{name: run[name] for name in RunLine.__dataclass_fields__})


def _summarise(states: Sequence[StreamOverview], errors: ErrorCounts, findings: int) -> Summary:
    ages = [state.oldest_age_seconds for state in states if state.oldest_age_seconds is not None]
    outcomes = {state.name: state.last_run.outcome for state in states if state.last_run}
    return Summary(
        unresolved=errors.unresolved,
        errors=errors,
        findings=findings,
        waiting_rows=sum(state.rows_waiting or 0 for state in states),
        waiting_rows_capped=any(state.rows_waiting_capped for state in states),
        oldest_age_seconds=max(ages, default=None),
        held=[state.name for state in states if state.held],
        failed=[name for name, outcome in outcomes.items() if outcome == "failed"],
        broken=[state.name for state in states if state.broken],
        waiting_for_credits=[name for name, outcome in outcomes.items() if outcome == "waiting_for_credits"],
        uncounted=[state.name for state in states if state.problem],
        never_run=not any(state.watermark or state.last_run for state in states),
    )

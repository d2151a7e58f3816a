"""The session, the streams, the history of runs, the findings and the audit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Annotated

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Query

from crm_export.connections import find_databases
from crm_export.page.all_streams import read_all_streams
from crm_export.page.dag_runs import DagState, find_dags, link_run
from crm_export.page.dag_tasks import FailedTask
from crm_export.page.database import ChosenPostgres, DatabaseProblem, read_each
from crm_export.page.guards import Permissions, find_permissions, name_user
from crm_export.page.setting_values import read_setting
from crm_export.settings import DAILY_API_LIMIT, EXPORT_TO_CRM
from include.export.ledger import AuditEntry, ExportAudit, OpenFinding, read_open_findings
from include.export.reports import Blocker, History, RunLine, StreamOverview, Summary, merge_histories, read_history
from include.export.streams import Stream, StreamName, load_streams

router = APIRouter()
FINDING_LIMIT = 200


class Days(IntEnum):
    """How far back charts go."""

    DAY = 1
    WEEK = 7
    MONTH = 30


@dataclass(frozen=True)
class Session:
    """The signed-in user, what they may do, and whether the DAGs would run."""

    user: str
    may: Permissions
    dags: list[DagState]
    export_to_crm: bool
    now: datetime


@dataclass(frozen=True)
class StreamRun(RunLine):
    """One export of a stream, with where its log is."""

    airflow_path: str


@dataclass(frozen=True)
class StreamView(StreamOverview):
    """One stream, with its database, by the name of the connection, and where the log of its last run is."""

    database: str | None = None
    last_run: StreamRun | None = None


@dataclass(frozen=True)
class Streams:
    """All streams, parents before children; `databases` are all, `unreachable` those that could not be read."""

    at: str
    streams: list[StreamView]
    summary: Summary
    blockers: list[Blocker]
    failed_tasks: list[FailedTask]
    databases: list[str]
    unreachable: list[DatabaseProblem]


@dataclass(frozen=True)
class Activity(History):
    """What runs did over time, and how many API calls a day may cost."""

    api_limit: int
    unreachable: list[DatabaseProblem]


@dataclass(frozen=True)
class FindingView(OpenFinding):
    """A finding with its database."""

    database: str


@dataclass(frozen=True)
class Findings:
    """What the daily check found; `more` is true when not all are listed."""

    findings: list[FindingView]
    more: bool
    unreachable: list[DatabaseProblem]


@dataclass(frozen=True)
class AuditPage:
    """A page of the audit; `next` continues it."""

    entries: list[AuditEntry]
    next: int | None


@router.get("/session")
def read_session(user: GetUserDep) -> Session:
    """Return who is signed in, what they may do, and whether the DAGs would run."""
    exporting = bool(read_setting(EXPORT_TO_CRM).value)
    return Session(name_user(user), find_permissions(user), find_dags(), exporting, datetime.now(UTC))


@router.get("/streams")
def read_streams() -> Streams:
    """Return the state of the streams of all databases."""
    found = read_all_streams()
    places = {stream.name: stream.postgres for stream in load_streams() if isinstance(stream, Stream)}
    return Streams(
        at=found.overview.at,
        streams=[_show(stream, places.get(stream.name)) for stream in found.overview.streams],
        summary=found.overview.summary,
        blockers=found.overview.blockers,
        failed_tasks=found.failed_tasks,
        databases=find_databases(load_streams()),
        unreachable=found.unreachable,
    )


@router.get("/history")
def read_runs(days: Days = Days.WEEK, stream: StreamName | None = None) -> Activity:
    """Return what runs did over time, in all databases."""
    answers = read_each(lambda _, connection: read_history(days, stream, connection=connection))
    history, limit = merge_histories(list(answers.found.values())), int(read_setting(DAILY_API_LIMIT).value)
    return Activity(**vars(history), api_limit=limit, unreachable=answers.unreachable)


@router.get("/findings")
def read_findings() -> Findings:
    """Return the open findings of the daily check, from all databases."""
    answers = read_each(lambda _, connection: read_open_findings(connection, FINDING_LIMIT + 1))
    found = [FindingView(**vars(one), database=name) for name, listed in answers.found.items() for one in listed]
    found.sort(key=lambda one: one.last_seen_at, reverse=True)
    return Findings(found[:FINDING_LIMIT], more=len(found) > FINDING_LIMIT, unreachable=answers.unreachable)


@router.get("/audit")
def read_audit(
    connection: ChosenPostgres,
    before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> AuditPage:
    """Return the audit of a database, newest first."""
    entries = ExportAudit(connection).list(before, limit + 1)
    following = entries[limit - 1].id if len(entries) > limit else None
    return AuditPage(entries[:limit], following)


def _show(stream: StreamOverview, database: str | None) -> StreamView:
    run = stream.last_run
    shown = run and StreamRun(**vars(run), airflow_path=link_run(run.dag_id, run.run_id, run.task_id))
    return StreamView(**vars(stream) | {"last_run": shown, "database": database})

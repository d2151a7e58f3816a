"""What is going on: the session, the streams, the history, the audit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Annotated

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Query

from crm_export.page.dag_runs import DagState, find_dags, link_run
from crm_export.page.dag_tasks import FailedTask, add_reasons, find_failed_tasks
from crm_export.page.database import Postgres
from crm_export.page.guards import Permissions, find_permissions, name_user
from crm_export.page.setting_values import read_setting
from crm_export.settings import DAILY_API_LIMIT, EXPORT_TO_CRM
from include.export.ledger import AuditEntry, ExportAudit, OpenFinding, read_open_findings
from include.export.reports import Blocker, History, RunLine, StreamOverview, Summary, read_history, read_overview
from include.export.salesforce import Catalogue
from include.export.streams import StreamName, load_streams

router = APIRouter()
FINDING_LIMIT = 200


class Days(IntEnum):
    """How far back charts go."""

    DAY = 1
    WEEK = 7
    MONTH = 30


@dataclass(frozen=True)
class Session:
    """Who is at the page and what the page can do."""

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
    """One stream, with where the log of its last run is."""

    last_run: StreamRun | None = None


@dataclass(frozen=True)
class Streams:
    """All streams, parents before children."""

    at: str
    streams: list[StreamView]
    summary: Summary
    blockers: list[Blocker]
    failed_tasks: list[FailedTask]


@dataclass(frozen=True)
class Activity(History):
    """What runs did over time, and how many API calls a day may cost."""

    api_limit: int


@dataclass(frozen=True)
class Findings:
    """What the daily check found; `more` says that there is more than is listed."""

    findings: list[OpenFinding]
    more: bool


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
def read_streams(connection: Postgres) -> Streams:
    """Return the state of the streams."""
    overview = read_overview(load_streams(), connection=connection, catalogue=Catalogue.load())
    return Streams(
        at=overview.at,
        streams=[_show(stream) for stream in overview.streams],
        summary=overview.summary,
        blockers=overview.blockers,
        failed_tasks=add_reasons(find_failed_tasks(), connection),
    )


@router.get("/history")
def read_runs(connection: Postgres, days: Days = Days.WEEK, stream: StreamName | None = None) -> Activity:
    """Return what runs did over time."""
    history = read_history(days, stream, connection=connection)
    return Activity(**vars(history), api_limit=int(read_setting(DAILY_API_LIMIT).value))


@router.get("/findings")
def read_findings(connection: Postgres) -> Findings:
    """Return what the daily check found and finds still."""
    found = read_open_findings(connection, FINDING_LIMIT + 1)
    return Findings(found[:FINDING_LIMIT], more=len(found) > FINDING_LIMIT)


@router.get("/audit")
def read_audit(
    connection: Postgres,
    before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> AuditPage:
    """Return what people did, newest first."""
    entries = ExportAudit(connection).list(before, limit + 1)
    following = entries[limit - 1].id if len(entries) > limit else None
    return AuditPage(entries[:limit], following)


def _show(stream: StreamOverview) -> StreamView:
    run = stream.last_run
    shown = run and StreamRun(**vars(run), airflow_path=link_run(run.dag_id, run.run_id, run.task_id))
    return StreamView(**vars(stream) | {"last_run": shown})

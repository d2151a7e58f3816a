"""The bell: the alerts of every database, and marking them as read."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal, Self

import psycopg
from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from crm_export.connections import find_databases
from crm_export.page.database import DatabaseProblem, open_database, read_each
from crm_export.page.failures import PageFailure
from crm_export.page.guards import may_change, name_user, read_body
from include.export.alerts import AlertWriter
from include.export.ledger import AlertCounts, AlertKind, ExportAlerts, ListedAlert, Severity
from include.export.salesforce import load_catalogue
from include.export.streams import find_children, load_streams

router = APIRouter()
Language = Literal["en", "pt-BR"]
Connection = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern="^[^\x00]*$")]


@dataclass(frozen=True)
class AlertView:
    """An alert with the text that channels are sent; `error` is the export error that it names."""

    database: str
    id: int
    kind: AlertKind
    severity: Severity
    stream: str | None
    raised_at: datetime
    cleared_at: datetime | None
    read_at: datetime | None
    read_by: str | None
    sent_at: datetime | None
    times: int
    error: int | None
    adobe_line: str
    sentence: str
    advice: str
    record_url: str


@dataclass(frozen=True)
class Alerts:
    """A page of alerts, newest first, and how many are open and unread in all; `next` continues it."""

    at: datetime
    alerts: list[AlertView]
    open: int
    unread: int
    critical: int
    next: datetime | None
    unreachable: list[DatabaseProblem]


class NamedAlert(BaseModel):
    """One alert."""

    model_config = ConfigDict(extra="forbid")

    database: Connection
    id: Annotated[int, Field(ge=1, le=2**62)]


class ReadBody(BaseModel):
    """Which alerts to mark as read: listed ones, or all that were raised up to a moment."""

    model_config = ConfigDict(extra="forbid")

    alerts: Annotated[list[NamedAlert], Field(min_length=1, max_length=100)] | None = None
    until: AwareDatetime | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.alerts is None) is (self.until is None):
            raise ValueError("name either alerts or until")
        return self


@dataclass(frozen=True)
class AlertsRead:
    """How many alerts were marked as read."""

    marked: int


@router.get("/alerts")
def list_alerts(
    language: Language = "en",
    cleared: bool = False,
    before: Annotated[AwareDatetime | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> Alerts:
    """Return a page of alerts: the open ones, or with `cleared` all."""

    def read(_: str, connection: psycopg.Connection) -> tuple[list[ListedAlert], AlertCounts]:
        alerts = ExportAlerts(connection)
        return alerts.list_page(limit + 1, before=before, cleared=cleared), alerts.count()

    answers = read_each(read)
    listed = [(name, alert) for name, (alerts, _) in answers.found.items() for alert in alerts]
    listed.sort(key=lambda one: one[1].raised_at, reverse=True)
    shown, following = _cut(listed, limit)
    counts = [count for _, count in answers.found.values()]
    writer = _make_writer(language)
    return Alerts(
        datetime.now(UTC),
        [_show(name, alert, writer) for name, alert in shown],
        sum(count.open for count in counts),
        sum(count.unread for count in counts),
        sum(count.critical for count in counts),
        following,
        answers.unreachable,
    )


@router.post("/alerts/read", dependencies=[may_change])
def mark_read(
    wanted: Annotated[ReadBody, Depends(read_body(ReadBody, 16 * 1024))],
    actor: Annotated[str, Depends(name_user)],
) -> AlertsRead:
    """Mark alerts as read, for everybody."""
    if wanted.alerts is None:
        found = read_each(lambda _, connection: ExportAlerts(connection).mark_read(actor, until=wanted.until)).found
        return AlertsRead(sum(found.values()))
    chosen: defaultdict[str, list[int]] = defaultdict(list)
    for alert in wanted.alerts:
        chosen[alert.database].append(alert.id)
    unknown = set(chosen) - set(find_databases(load_streams()))
    if unknown:
        raise PageFailure(404, "not_found", "No stream uses this database any more.")
    return AlertsRead(sum(_mark(name, ids, actor) for name, ids in chosen.items()))


def _mark(name: str, ids: list[int], actor: str) -> int:
    with open_database(name) as connection:
        return ExportAlerts(connection).mark_read(actor, ids)


def _cut(
    listed: list[tuple[str, ListedAlert]], limit: int
) -> tuple[list[tuple[str, ListedAlert]], datetime | None]:  # fmt: skip
    """Return a page, and where the next one begins; alerts of the same moment are on one page."""
    if len(listed) <= limit:
        return listed, None
    last = listed[limit - 1][1].raised_at
    shown = [one for one in listed if one[1].raised_at >= last]
    return shown, last if len(listed) > len(shown) else None


def _make_writer(language: Language) -> AlertWriter:
    streams = load_streams()
    children = {stream.name: find_children(stream.name, streams) for stream in streams}
    return AlertWriter(load_catalogue(), language, "", children)


def _show(database: str, alert: ListedAlert, writer: AlertWriter) -> AlertView:
    return AlertView(
        database=database,
        id=alert.id,
        kind=alert.kind,
        severity=alert.severity,
        stream=alert.stream,
        raised_at=alert.raised_at,
        cleared_at=alert.cleared_at,
        read_at=alert.read_at,
        read_by=alert.read_by,
        sent_at=alert.sent_at,
        times=alert.times,
        error=alert.error,
        **vars(writer.describe(alert)),
    )

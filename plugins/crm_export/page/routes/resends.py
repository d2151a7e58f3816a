"""Resends: a preview, the request, and its progress."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Self, TypedDict

import psycopg
from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from crm_export.operators.dag_layout import export_dag_id
from crm_export.page.dag_runs import RunState, is_queued, read_runs, require_running, start_run
from crm_export.page.database import open_database
from crm_export.page.failures import PageFailure
from crm_export.page.guards import may_change, may_run, name_user, read_body, require_run
from crm_export.page.routes.actions import Reason
from crm_export.page.routes.errors import find_stream
from crm_export.page.setting_values import require_export
from include.export.ledger import NEW_FIELD, RUN_PREFIX, ExportAlerts, ExportAudit, ExportResends, ListedResend
from include.export.reports import ResendPreview, preview_resend
from include.export.streams import Stream, StreamName

router = APIRouter()
SHOWN = 20
Key = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern="^[^\x00]*$")]


class Range(TypedDict):
    """A range of change times, as the core takes it."""

    from_at: str | None
    to_at: str | None


class ResendBody(BaseModel):
    """What to send again: a whole stream, a range of change times with both ends, or records by their keys."""

    model_config = ConfigDict(extra="forbid")

    from_at: AwareDatetime | None = None
    to_at: AwareDatetime | None = None
    keys: Annotated[list[Key], Field(min_length=1, max_length=50)] | None = None
    reason: Reason | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.keys is not None and (self.from_at or self.to_at):
            raise ValueError("choose either keys or a range")
        if self.from_at and self.to_at and self.from_at > self.to_at:
            raise ValueError("the range ends before it begins")
        return self

    @property
    def range(self) -> Range:
        """Return the range as the core takes it."""
        return Range(
            from_at=self.from_at.isoformat() if self.from_at else None,
            to_at=self.to_at.isoformat() if self.to_at else None,
        )


Wanted = Annotated[ResendBody, Depends(read_body(ResendBody, 32 * 1024))]


@dataclass(frozen=True)
class ResendView(ListedResend):
    """A resend and its progress; `run` is the run that the page started for it, while Airflow has it."""

    run: RunState | None


@dataclass(frozen=True)
class Resends:
    """The resends of a stream of the last month, and the fields that its exported rows do not have yet."""

    stream: str
    dag_id: str
    resends: list[ResendView]
    new_fields: list[str]


@router.get("/streams/{stream}/resends")
def list_resends(stream: StreamName) -> Resends:
    """Return the resends of a stream, newest first."""
    found = find_stream(stream)
    with open_database(found.postgres) as connection:
        return _list(found, connection)


@router.post("/streams/{stream}/resends/preview", dependencies=[may_change, *may_run])
def preview(stream: StreamName, wanted: Wanted) -> ResendPreview:
    """Return what a resend would do; nothing changes."""
    found = find_stream(stream)
    with open_database(found.postgres) as connection:
        return preview_resend(found, connection, keys=wanted.keys, **wanted.range)


@router.post("/streams/{stream}/resends", status_code=202, dependencies=[may_change, *may_run])
def resend(
    stream: StreamName, wanted: Wanted, user: GetUserDep, actor: Annotated[str, Depends(name_user)]
) -> Resends:  # fmt: skip
    """Request a resend, and start the run that carries it out."""
    found = find_stream(stream)
    dag_id = export_dag_id(found.group)
    require_run(user, dag_id)
    require_export()
    require_running([dag_id])
    with open_database(found.postgres) as connection:
        rows = _count(found, wanted, connection)
        with connection.transaction():  # the request and its run: both or neither
            ExportAudit(connection).take_turn()
            first = _ask(found, wanted, actor, rows, connection)
            problem = None if is_queued(dag_id) else start_run(dag_id, name_run(stream, first), {}, actor)
            if problem:
                raise PageFailure(409, "not_started", problem)
        return _list(found, connection)


def name_run(stream: str, resend: int) -> str:
    """Return the id of the run that the page starts for a resend."""
    return f"{RUN_PREFIX}resend_{stream}_{resend}"


def _count(stream: Stream, wanted: ResendBody, connection: psycopg.Connection) -> int | None:
    """Return how many rows will be sent, None where only an estimate is known."""
    found = preview_resend(stream, connection, keys=wanted.keys, **wanted.range)
    if found.missing:
        raise PageFailure(409, "nothing_selected", f"No exported row has the key {found.missing[0]!r}.")
    if not found.rows:
        raise PageFailure(409, "nothing_selected", "No row of this range has been exported yet.")
    return found.rows if found.exact else None


def _ask(
    stream: Stream, wanted: ResendBody, actor: str, rows: int | None, connection: psycopg.Connection
) -> int:  # fmt: skip
    """Request a range, or each of the records; returns the id of the first request."""
    resends, reason = ExportResends(connection), wanted.reason or "requested on the page"
    keys: Sequence[str | None] = list(dict.fromkeys(wanted.keys)) if wanted.keys else [None]
    numbers = []
    for key in keys:
        pending = resends.find_same(stream.name, key=key, **wanted.range)
        if pending is not None:
            raise PageFailure(409, "already_requested", f"Resend {pending} requests the same and has not finished yet.")
        asked = resends.ask(
            stream.name, asked_by=actor, reason=reason, key=key, rows=rows if key is None else 1, **wanted.range
        )
        numbers.append(int(asked or 0))
    return numbers[0]


def _list(stream: Stream, connection: psycopg.Connection) -> Resends:
    dag_id = export_dag_id(stream.group)
    listed = ExportResends(connection).list_recent(stream.name, SHOWN)
    fields = ExportAlerts(connection).find_subjects(NEW_FIELD, stream.name)
    return Resends(stream.name, dag_id, [_show(resend, dag_id) for resend in listed], fields)


def _show(resend: ListedResend, dag_id: str) -> ResendView:
    [run] = read_runs([dag_id], name_run(resend.stream, resend.id))
    return ResendView(**vars(resend), run=None if run.state == "gone" else run)

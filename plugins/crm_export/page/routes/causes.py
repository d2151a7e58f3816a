"""Why records are rejected, in all databases, and what continuing without them would mean."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from fastapi import APIRouter

from crm_export.page.database import DatabaseProblem, read_each
from crm_export.page.routes.errors import Statuses
from include.export.reports import UNRESOLVED, Acknowledgement, Cause, Causes, read_acknowledgement, read_causes
from include.export.salesforce import load_catalogue
from include.export.streams import ApiName, StreamName, load_streams

router = APIRouter()


@dataclass(frozen=True)
class CauseView(Cause):
    """A cause with its database."""

    database: str


@dataclass(frozen=True)
class CauseList:
    """The causes of all databases, the largest first; `more` is true when not all are listed."""

    causes: list[CauseView]
    more: bool
    unreachable: list[DatabaseProblem]


@router.get("/acknowledgement")
def read_what_off_means() -> Acknowledgement:
    """Return what continuing past rejected records would mean now, in all databases."""
    found = read_each(lambda _, connection: read_acknowledgement(load_streams(), connection=connection)).found.values()
    holds = [hold for one in found for hold in one.holds]
    return Acknowledgement(sum(one.unresolved for one in found), holds)


@router.get("/causes")
def list_causes(
    stream: StreamName | None = None,
    object: ApiName | None = None,  # noqa: A002 - the query parameter's name
    status: Statuses = None,
) -> CauseList:
    """Return the errors by cause, of all databases."""

    def read(_: str, connection: psycopg.Connection) -> Causes:
        catalogue, chosen = load_catalogue(), status or UNRESOLVED
        return read_causes(
            connection=connection, catalogue=catalogue, statuses=chosen, stream=stream, object_name=object
        )

    answers = read_each(read)
    causes = [
        CauseView(**vars(cause), database=name) for name, found in answers.found.items() for cause in found.causes
    ]
    causes.sort(key=lambda cause: cause.count, reverse=True)
    return CauseList(causes, any(found.more for found in answers.found.values()), answers.unreachable)

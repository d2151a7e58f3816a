"""Export errors: the list, one error in detail, and its source row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict

from crm_export.operators.dag_layout import find_export_dags
from crm_export.page.dag_runs import EXPORT, EXPORT_ERROR, find_dags, find_run_after, link_run
from crm_export.page.database import Chosen, ChosenPostgres
from crm_export.page.failures import PageFailure
from crm_export.page.guards import find_permissions, may_see_values, name_user, read_body
from include.export.ledger import AuditLine, ExportAudit, Selection
from include.export.reports import (
    UNRESOLVED,
    Attempt,
    ErrorDetail,
    ErrorFilter,
    ErrorOrder,
    ErrorPage,
    ErrorStatus,
    Sort,
    link_record,
    read_detail,
    read_instance_url,
    read_page,
)
from include.export.salesforce import ErrorClass, load_catalogue
from include.export.source import SourceRow, SourceValue, read_source_row
from include.export.streams import ApiName, Stream, StreamName, load_streams

router = APIRouter()
Statuses = Annotated[list[ErrorStatus] | None, Query()]
ErrorId = Annotated[int, Path(ge=1, le=2**62)]
CauseId = Annotated[str, Query(pattern="^[0-9a-f]{16}$")]
Code = Annotated[str, Query(pattern="^[A-Za-z0-9_.-]{1,100}$")]
Text = Annotated[str, Query(min_length=1, max_length=100, pattern="^[^\x00]*$")]


class NothingBody(BaseModel):
    """An empty body."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Link:
    """A record in Salesforce that a field of the source row names."""

    field: str
    url: str


@dataclass(frozen=True)
class CurrentRow:
    """The source row of a record as it is now; `row` is None when it no longer exists."""

    row: list[SourceValue] | None
    changed_at: str | None
    parents: list[Link]


@dataclass(frozen=True)
class NextAttempt:
    """Which DAG tries a record next and when; None while that DAG is paused or has no schedule."""

    dag_id: str
    at: datetime | None


@dataclass(frozen=True)
class AttemptView(Attempt):
    """One attempt to send the record, with where its log is."""

    airflow_path: str | None


@dataclass(frozen=True)
class ErrorView(ErrorDetail):
    """One export error with everything about it, and where the log of its last attempt is."""

    attempts_made: Sequence[AttemptView]
    airflow_path: str
    next_attempt: NextAttempt | None
    database: str


@dataclass(frozen=True)
class ErrorList(ErrorPage):
    """A page of the errors of a database."""

    database: str


def choose_errors(
    stream: StreamName | None = None,
    object: ApiName | None = None,  # noqa: A002 - the query parameter's name
    status: Statuses = None,
    code: Code | None = None,
    error_class: ErrorClass | None = None,
    cause: CauseId | None = None,
    holding: bool = False,
    search: Text | None = None,
) -> ErrorFilter:
    """Return the filter of a request."""
    chosen = tuple(status) if status else UNRESOLVED
    return ErrorFilter(chosen, stream, object, code, error_class, cause, holding, search)


def choose_order(sort: Sort = Sort.LAST_SEEN_AT, direction: Literal["asc", "desc"] = "desc") -> ErrorOrder:
    """Return the order of a request."""
    return ErrorOrder(sort, descending=direction == "desc")


Filter = Annotated[ErrorFilter, Depends(choose_errors)]
Order = Annotated[ErrorOrder, Depends(choose_order)]


@router.get("/errors")
def list_errors(
    connection: ChosenPostgres,
    database: Chosen,
    wanted: Filter,
    order: Order,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str | None, Query(max_length=200)] = None,
) -> ErrorList:
    """Return one page of the errors of a database."""
    page = read_page(wanted, order, connection=connection, limit=limit, after=after)
    return ErrorList(**vars(page), database=database)


@router.get("/errors/{error}")
def show_error(error: ErrorId, connection: ChosenPostgres, database: Chosen, user: GetUserDep) -> ErrorView:
    """Return one error with everything about it."""
    detail = _find(read_detail(error, connection=connection, catalogue=load_catalogue()), error)
    attempts = [_show_attempt(attempt) for attempt in detail.attempts_made]
    paths = [attempt.airflow_path for attempt in attempts if attempt.airflow_path]
    path = paths[0] if paths else link_run(detail.dag_id, detail.run_id)
    payload = detail.payload if find_permissions(user).see_values else None
    return ErrorView(
        **vars(detail) | {"attempts_made": attempts, "payload": payload, "airflow_path": path},
        next_attempt=_find_next_attempt(detail),
        database=database,
    )


@router.post("/errors/{error}/source-row", dependencies=[may_see_values])
def show_source_row(
    error: ErrorId,
    _: Annotated[NothingBody, Depends(read_body(NothingBody))],
    actor: Annotated[str, Depends(name_user)],
    connection: ChosenPostgres,
) -> CurrentRow:
    """Return the source row of a record as it is now; that somebody looked is audited."""
    detail = _find(read_detail(error, connection=connection, catalogue=load_catalogue()), error)
    stream = find_stream(detail.stream)
    audit = ExportAudit(connection)
    with connection.transaction():
        audit.select(
            audit.write(AuditLine(actor, "see_source_row", selection=f"errors {error}")),
            Selection(errors=[error]),
            retry=False,
        )
        row = read_source_row(stream, detail.record_key, connection=connection)
    if row is None:
        return CurrentRow(None, None, [])
    instance_url = read_instance_url(detail.stream, connection=connection)
    return CurrentRow(row.values, row.changed_at, _link_parents(stream, row, instance_url))


def find_stream(name: str) -> Stream:
    """Return a stream by its name; raises PageFailure when its file is gone or broken."""
    for stream in load_streams():
        if stream.name == name and isinstance(stream, Stream):
            return stream
    raise PageFailure(404, "not_found", f"Stream {name} no longer has a usable file.")


def _find_next_attempt(detail: ErrorDetail) -> NextAttempt | None:
    """Return the next attempt; None for a record that waits for its parent, is ignored or is resolved."""
    if detail.status not in {"open", "set_aside"}:
        return None
    if detail.retry_with == EXPORT:  # a record that holds its stream or lies above the watermark
        exporter = find_export_dags(load_streams()).get(detail.stream, EXPORT)
        return NextAttempt(exporter, find_dags([exporter])[0].next_run_at)
    due = detail.next_attempt_at or datetime.now(UTC)
    return NextAttempt(EXPORT_ERROR, find_run_after(EXPORT_ERROR, due))


def _show_attempt(attempt: Attempt) -> AttemptView:
    known = attempt.dag_id and attempt.run_id
    path = link_run(attempt.dag_id or "", attempt.run_id or "", attempt.task_id) if known else None
    return AttemptView(**vars(attempt), airflow_path=path)


def _find(detail: ErrorDetail | None, error: int) -> ErrorDetail:
    if detail is None:
        raise PageFailure(404, "not_found", f"There is no export error {error}.")
    return detail


def _link_parents(stream: Stream, row: SourceRow, instance_url: str | None) -> list[Link]:
    """Return links to the records that lookups name by their Salesforce ids."""
    found = []
    for value in row.values:
        is_lookup = value.field != stream.external_id and value.field.endswith(("Id", "__c"))
        url = link_record(instance_url, value.value) if is_lookup else None
        if url and any(letter.isdigit() for letter in (value.value or "")[:5]):
            found.append(Link(value.field, url))
    return found

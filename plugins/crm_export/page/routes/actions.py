"""Actions on rejected records: a decision is one statement; a retry is a DAG run, so there is no second writer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, Self

import psycopg
from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Path, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictBool, StringConstraints, model_validator

from crm_export.operators.dag_layout import find_export_dags
from crm_export.page.dag_runs import FINISHED, RunState, WorkState, read_runs, require_running, start_run
from crm_export.page.database import Postgres, require_main
from crm_export.page.failures import PageFailure
from crm_export.page.guards import may_change, may_run, name_user, read_body, require_run
from crm_export.page.setting_values import require_export
from include.export.ledger import (
    RECORD_LIMIT,
    Action,
    ActionKind,
    ActionName,
    AuditLine,
    ExportAudit,
    RecordResult,
    ResultName,
    Selection,
)
from include.export.streams import ApiName, StreamName, load_streams

router = APIRouter()
LONGEST = timedelta(days=5 * 366)  # for which a record may be ignored
ErrorNumber = Annotated[int, Field(ge=1, le=2**62)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern="^[^\x00]*$")]


class ChosenErrors(BaseModel):
    """Either listed errors, or a group: all unresolved, or those of a cause, code (and object), stream or status."""

    model_config = ConfigDict(extra="forbid")

    errors: Annotated[list[ErrorNumber], Field(min_length=1, max_length=200)] | None = None
    cause: Annotated[str, Field(pattern="^[0-9a-f]{16}$")] | None = None
    code: Annotated[str, Field(pattern="^[A-Za-z0-9_.-]{1,100}$")] | None = None
    object: ApiName | None = None
    stream: StreamName | None = None
    status: Literal["open", "waiting", "set_aside", "ignored"] | None = None
    all: StrictBool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        is_group = bool(self.cause or self.code or self.stream or self.status or self.all)
        if (self.errors is not None) is is_group or (self.object and not self.code):
            raise ValueError("choose either errors, or a group by cause, code, stream or status, or all")
        return self


class ActionBody(BaseModel):
    """A requested action; `database` is where the records are."""

    model_config = ConfigDict(extra="forbid")

    kind: ActionKind
    selection: ChosenErrors
    reason: Reason | None = None
    until: AwareDatetime | None = None
    database: str | None = None

    @property
    def chosen(self) -> Selection:
        """Return the selection for the core; one without a filter means all."""
        return Selection(**self.selection.model_dump(exclude={"all"}))


Wanted = Annotated[ActionBody, Depends(read_body(ActionBody, 16 * 1024))]


@dataclass(frozen=True)
class DagShare:
    """How many records a run of a DAG would send."""

    dag_id: str
    records: int


@dataclass(frozen=True)
class Preview:
    """What an action would do; one that selects more than `limit` records is rejected."""

    kind: ActionName
    selected: int
    changes: int
    skipped: int
    streams: list[str]
    ends_holds: list[str]
    dags: list[DagShare]
    limit: int


@dataclass(frozen=True)
class RecordAnswer:
    """What happened to one record."""

    error_id: int
    stream: str
    record_key: str
    result: ResultName
    message: str


@dataclass(frozen=True)
class ActionAnswer:
    """An action, its progress, and what happened to its records."""

    id: int
    kind: ActionName
    actor: str
    at: datetime
    reason: str | None
    state: WorkState
    runs: list[RunState]
    counts: dict[ResultName, int]
    records: list[RecordAnswer]
    next: int | None


@router.post("/actions/preview", dependencies=[may_change, *may_run])
def preview_action(wanted: Wanted, connection: Postgres) -> Preview:
    """Return what an action would do; nothing changes."""
    require_main(wanted.database)
    lines = ExportAudit(connection, find_export_dags(load_streams())).preview(wanted.kind, wanted.chosen)
    selected, changes = sum(line.selected for line in lines), sum(line.changes for line in lines)
    shares: dict[str, int] = {}
    for line in lines:
        shares[line.dag_id] = shares.get(line.dag_id, 0) + line.changes
    return Preview(
        kind=wanted.kind.value,
        selected=selected,
        changes=changes,
        skipped=selected - changes,
        streams=sorted({line.stream for line in lines}),
        ends_holds=sorted({line.stream for line in lines if line.ends_hold and wanted.kind is not ActionKind.REOPEN}),
        dags=[DagShare(*share) for share in shares.items() if share[1]] if wanted.kind is ActionKind.RETRY else [],
        limit=RECORD_LIMIT,
    )


@router.post("/actions", status_code=202, dependencies=[may_change, *may_run])
def act(
    wanted: Wanted, user: GetUserDep, actor: Annotated[str, Depends(name_user)], connection: Postgres
) -> ActionAnswer:  # fmt: skip
    """Decide on records at once, or start the runs that send them again."""
    require_main(wanted.database)
    _check(wanted)
    audit = ExportAudit(connection, find_export_dags(load_streams()))
    with connection.transaction():
        audit.take_turn()
        number = _note(audit, wanted, actor)
        for dag_id in _find(audit, number).dag_ids:
            require_run(user, dag_id)
        if wanted.kind is not ActionKind.RETRY:
            audit.decide(number, wanted.kind, wanted.reason, wanted.until)
    if wanted.kind is ActionKind.RETRY:
        _start(audit, number, actor)
    return _answer(connection, number, 0, 200)


@router.get("/actions/{action}")
def show_action(
    action: Annotated[int, Path(ge=1, le=2**62)],
    connection: Postgres,
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 200,
) -> ActionAnswer:
    """Return the progress of an action and what happened to its records."""
    return _answer(connection, action, after, limit)


def _check(wanted: ActionBody) -> None:
    if wanted.kind is ActionKind.RETRY:
        require_export()
    now = datetime.now(UTC)
    if wanted.kind is ActionKind.IGNORE:
        if wanted.reason is None or wanted.until is None:
            raise PageFailure(422, "invalid", "Ignoring a record needs a reason and an end (until).")
        if not now < wanted.until < now + LONGEST:
            raise PageFailure(422, "invalid", "until must lie in the future, at most five years from now.")
    elif wanted.until is not None:
        raise PageFailure(422, "invalid", "until is allowed with ignore only.")


def _note(audit: ExportAudit, wanted: ActionBody, actor: str) -> int:
    """Write an action and its records to the audit; raises PageFailure, which undoes that, for an impossible one."""
    retry = wanted.kind is ActionKind.RETRY
    line = AuditLine(actor, wanted.kind, reason=wanted.reason, until=wanted.until, selection=str(wanted.chosen))
    number = audit.write(line)
    selected = audit.select(number, wanted.chosen, retry=retry)
    if selected == 0:
        raise PageFailure(409, "nothing_selected", "No unresolved export error matches any more.")
    if selected > RECORD_LIMIT:
        raise PageFailure(409, "too_many", f"More than {RECORD_LIMIT:,} records match; select fewer.")
    if retry:
        _check_retry(audit, number)
    return number


def _check_retry(audit: ExportAudit, number: int) -> None:
    pending = audit.find_pending(number)
    if pending is not None:
        raise PageFailure(409, "already_requested", f"Action {pending} requested the same less than a minute ago.")
    require_running(_find(audit, number).dag_ids)


def _start(audit: ExportAudit, number: int, actor: str) -> None:
    action = _find(audit, number)
    found = [start_run(dag_id, action.run_id, {"action": number}, actor) for dag_id in action.dag_ids]
    problems = [problem for problem in found if problem]
    if problems:
        audit.note_problem(number, " ".join(problems))


def _answer(connection: psycopg.Connection, number: int, after: int, limit: int) -> ActionAnswer:
    audit = ExportAudit(connection)
    action = _find(audit, number)
    runs = read_runs(action.dag_ids, action.run_id) if action.dag_ids else []
    finished = [run.dag_id for run in runs if run.state in FINISHED]
    results = audit.results(number, finished=finished, after=after, limit=limit)
    records = [RecordAnswer(*vars(record).values()) for record in results.records]
    return ActionAnswer(
        action.id, action.kind, action.actor, action.at, action.reason,
        _judge(action, runs, results.counts), runs, results.counts, records,
        records[-1].error_id if len(records) == limit else None,
    )  # fmt: skip


def _find(audit: ExportAudit, number: int) -> Action:
    action = audit.read(number)
    if action is None:
        raise PageFailure(404, "not_found", f"There is no action {number}.")
    return action


def _judge(action: Action, runs: list[RunState], counts: dict[ResultName, int]) -> WorkState:
    if RecordResult.PENDING in counts:
        return "queued" if all(run.state == "queued" for run in runs) else "running"
    failed = any(run.state != "success" for run in runs)
    return "failed" if action.problem or (failed and RecordResult.NOT_TRIED in counts) else "done"

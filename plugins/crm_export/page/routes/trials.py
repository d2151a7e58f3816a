"""Trying one record on demand: the person who asked sees the exact request and answer for an hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import psycopg
from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field

from crm_export.page.dag_runs import EXPORT, FINISHED, WorkState, read_runs, require_running, start_run
from crm_export.page.database import Postgres, require_main
from crm_export.page.failures import PageFailure
from crm_export.page.guards import may_change, may_run, may_see_values, name_user, read_body
from crm_export.page.routes.errors import find_stream
from crm_export.page.setting_values import require_export
from include.export.ledger import RUN_PREFIX, AskedTrial, AuditLine, ExportAudit, ExportTrials, Selection
from include.export.reports import read_detail
from include.export.salesforce import load_catalogue

router = APIRouter(dependencies=[may_see_values])


class TrialBody(BaseModel):
    """Which record to try, and where it is."""

    model_config = ConfigDict(extra="forbid")

    error_id: Annotated[int, Field(ge=1, le=2**62)]
    database: str | None = None


@dataclass(frozen=True)
class TrialAnswer:
    """A trial and its progress."""

    id: int
    error_id: int
    state: WorkState
    asked_at: datetime
    request: str | None
    answer: str | None
    accepted: bool | None
    message: str | None
    airflow_path: str


@router.post("/trials", status_code=202, dependencies=[may_change, *may_run])
def try_record(
    wanted: Annotated[TrialBody, Depends(read_body(TrialBody))],
    actor: Annotated[str, Depends(name_user)],
    connection: Postgres,
) -> TrialAnswer:
    """Start a run of CRMExport that only tries this record."""
    require_main(wanted.database)
    require_export()
    require_running([EXPORT])
    detail = read_detail(wanted.error_id, connection=connection, catalogue=load_catalogue())
    if detail is None:
        raise PageFailure(404, "not_found", f"There is no export error {wanted.error_id}.")
    find_stream(detail.stream)
    trial = _ask(connection, wanted.error_id, actor)
    asked = {"try_record": f"{detail.stream}:{detail.record_key}", "trial": trial}
    problem = start_run(EXPORT, f"{RUN_PREFIX}{trial}", asked, actor)
    if problem:
        ExportAudit(connection).note_problem(trial, problem)
        ExportTrials(connection).fail(trial, problem)
    return show_trial(trial, actor, connection)


@router.get("/trials/{trial}")
def show_trial(
    trial: Annotated[int, Path(ge=1, le=2**62)], actor: Annotated[str, Depends(name_user)], connection: Postgres
) -> TrialAnswer:
    """Return a trial to the person who asked for it."""
    found = ExportTrials(connection).read(trial, actor)
    if found is None:
        raise PageFailure(404, "not_found", "There is no such trial, or it is older than an hour.")
    [run] = read_runs([EXPORT], f"{RUN_PREFIX}{trial}")
    state, message = _judge(found, run.state)
    return TrialAnswer(
        found.id, found.error_id, state, found.asked_at, found.request, found.answer, found.accepted, message,
        run.airflow_path,
    )  # fmt: skip


def _ask(connection: psycopg.Connection, error: int, actor: str) -> int:
    audit, trials = ExportAudit(connection), ExportTrials(connection)
    with connection.transaction():
        audit.take_turn()
        pending = trials.find_pending(error)
        if pending is not None:
            raise PageFailure(409, "already_requested", f"Trial {pending} of this record is still running.")
        number = audit.write(AuditLine(actor, "try_record", selection=f"errors {error}"))
        if not audit.select(number, Selection(errors=[error]), retry=False):
            raise PageFailure(409, "nothing_selected", "This export error is resolved; there is nothing to try.")
        trials.ask(number, actor, error)
    return number


def _judge(trial: AskedTrial, run_state: str) -> tuple[WorkState, str | None]:
    if trial.ended_at is not None:
        return ("failed" if trial.accepted is None else "done"), trial.message
    if run_state in FINISHED:
        return "failed", "The run ended without trying the record; its task log says why."
    return ("queued" if run_state == "queued" else "running"), None

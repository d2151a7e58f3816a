"""Running, pausing and unpausing DAGs on the page, with Airflow's permissions and an audit line."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, StrictBool

from crm_export.page.dag_runs import (
    DagState,
    RunState,
    find_dags,
    is_queued,
    pause_dag,
    read_runs,
    require_running,
    start_run,
)
from crm_export.page.database import Postgres
from crm_export.page.failures import PageFailure
from crm_export.page.guards import may_change, may_pause_dag, may_run_dag, name_user, read_body
from crm_export.page.routes.errors import NothingBody
from crm_export.page.setting_values import require_export
from include.export.ledger import RUN_PREFIX, AuditLine, ExportAudit

router = APIRouter()
DagName = Literal["CRMExport", "CRMExport_ExportError", "CRMExport_Reconcile"]


class PauseBody(BaseModel):
    """Whether a DAG is paused."""

    model_config = ConfigDict(extra="forbid")

    paused: StrictBool


@router.post("/dags/{dag_id}/runs", status_code=202, dependencies=[may_change, may_run_dag])
def run_now(
    dag_id: DagName,
    _: Annotated[NothingBody, Depends(read_body(NothingBody))],
    actor: Annotated[str, Depends(name_user)],
    connection: Postgres,
) -> RunState:
    """Start a run of a DAG, as its schedule would."""
    require_export()
    require_running([dag_id])
    audit = ExportAudit(connection)
    with connection.transaction():
        audit.take_turn()
        if is_queued(dag_id):
            raise PageFailure(409, "already_requested", f"A requested run of {dag_id} has not started yet.")
        number = audit.write(AuditLine(actor, "run_now", selection=dag_id))
        problem = start_run(dag_id, f"{RUN_PREFIX}{number}", {}, actor)
        if problem:
            audit.note_problem(number, problem)
    if problem:
        raise PageFailure(409, "not_started", problem)
    return read_runs([dag_id], f"{RUN_PREFIX}{number}")[0]


@router.put("/dags/{dag_id}", dependencies=[may_change, may_pause_dag])
def change_dag(
    dag_id: DagName,
    wanted: Annotated[PauseBody, Depends(read_body(PauseBody))],
    actor: Annotated[str, Depends(name_user)],
    connection: Postgres,
) -> DagState:
    """Pause or unpause a DAG."""
    with connection.transaction():
        action = "pause_dag" if wanted.paused else "unpause_dag"
        ExportAudit(connection).write(AuditLine(actor, action, selection=dag_id))
        pause_dag(dag_id, actor, paused=wanted.paused)
    return find_dags([dag_id])[0]

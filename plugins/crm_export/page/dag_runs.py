"""The DAGs that do the page's work: whether they are there, starting a run, and how far it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from airflow.api.common.trigger_dag import trigger_dag
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.sdk.exceptions import AirflowException
from airflow.utils.session import create_session
from airflow.utils.types import DagRunTriggeredByType
from sqlalchemy import select

from crm_export.page.failures import PageFailure

EXPORT, EXPORT_ERROR, RECONCILE = "CRMExport", "CRMExport_ExportError", "CRMExport_Reconcile"
WorkState = Literal["queued", "running", "done", "failed"]
FINISHED = frozenset({"success", "failed", "gone"})


@dataclass(frozen=True)
class DagState:
    """A DAG as Airflow knows it."""

    dag_id: str
    exists: bool
    paused: bool


@dataclass(frozen=True)
class RunState:
    """A run that was started; `gone` when somebody has deleted it."""

    dag_id: str
    run_id: str
    state: str
    airflow_path: str


def find_dags(dag_ids: Sequence[str] = (EXPORT, EXPORT_ERROR, RECONCILE)) -> list[DagState]:
    """Return the state of DAGs."""
    with create_session() as session:
        known = select(DagModel.dag_id, DagModel.is_paused).where(DagModel.dag_id.in_(dag_ids), ~DagModel.is_stale)
        paused = {row.dag_id: bool(row.is_paused) for row in session.execute(known)}
    return [DagState(name, exists=name in paused, paused=paused.get(name, False)) for name in dag_ids]


def require_running(dag_ids: Sequence[str]) -> None:
    """Raise PageFailure unless a run of these DAGs would begin."""
    for dag in find_dags(dag_ids):
        if not dag.exists:
            raise PageFailure(409, "dag_paused", f"Airflow does not know the DAG {dag.dag_id} (yet).")
        if dag.paused:
            raise PageFailure(409, "dag_paused", f"The DAG {dag.dag_id} is paused, so nothing would run. Unpause it.")


def start_run(dag_id: str, run_id: str, conf: dict[str, Any], actor: str) -> str | None:
    """Start a run; returns why it could not be, None when it was."""
    try:
        trigger_dag(
            dag_id,
            triggered_by=DagRunTriggeredByType.UI,
            triggering_user_name=actor,
            run_id=run_id,
            conf=conf,
        )
    except (AirflowException, ValueError) as refused:
        return f"Airflow did not start {dag_id}: {refused}"
    return None


def read_runs(dag_ids: Sequence[str], run_id: str) -> list[RunState]:
    """Return how far runs are."""
    with create_session() as session:
        wanted = select(DagRun.dag_id, DagRun.state).where(DagRun.dag_id.in_(dag_ids), DagRun.run_id == run_id)
        states = {row.dag_id: str(row.state) for row in session.execute(wanted)}
    return [RunState(name, run_id, states.get(name, "gone"), link_run(name, run_id)) for name in dag_ids]


def link_run(dag_id: str, run_id: str, task_id: str | None = None) -> str:
    """Return the path of a run, or of a task in it, below Airflow's own address."""
    path = f"dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe='')}"
    return f"{path}/tasks/{quote(task_id, safe='')}" if task_id else path

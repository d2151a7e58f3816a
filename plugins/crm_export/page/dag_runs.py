"""The DAGs on the page: their state, starting a run, and its progress."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote

from airflow.api.common.trigger_dag import trigger_dag
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.log import Log
from airflow.models.serialized_dag import SerializedDagModel
from airflow.sdk.exceptions import AirflowException
from airflow.utils.session import create_session
from airflow.utils.types import DagRunTriggeredByType
from sqlalchemy import select

from crm_export.page.failures import PageFailure
from include.export.ledger import RUN_PREFIX

EXPORT, EXPORT_ERROR, RECONCILE = "CRMExport", "CRMExport_ExportError", "CRMExport_Reconcile"
WorkState = Literal["queued", "running", "done", "failed"]
_LONGEST_GAP = timedelta(days=8)  # between two runs of a DAG of ours
FINISHED = frozenset({"success", "failed", "gone"})


@dataclass(frozen=True)
class DagState:
    """A DAG as Airflow knows it; `next_run_at` is None while it is paused or has no schedule."""

    dag_id: str
    exists: bool
    paused: bool
    running: bool
    next_run_at: datetime | None


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
        known = select(DagModel).where(DagModel.dag_id.in_(dag_ids), ~DagModel.is_stale)
        dags = {dag.dag_id: dag for dag in session.scalars(known)}
        active = select(DagRun.dag_id).where(DagRun.dag_id.in_(dag_ids), DagRun.state.in_(("queued", "running")))
        running = set(session.scalars(active))
        return [_describe(name, dags.get(name), running=name in running) for name in dag_ids]


def _describe(name: str, dag: DagModel | None, *, running: bool) -> DagState:
    if dag is None:
        return DagState(name, exists=False, paused=False, running=False, next_run_at=None)
    following = None if dag.is_paused else dag.next_dagrun_create_after
    return DagState(name, exists=True, paused=bool(dag.is_paused), running=running, next_run_at=following)


def pause_dag(dag_id: str, actor: str, *, paused: bool) -> None:
    """Pause or unpause a DAG, and write the same event to Airflow's audit log as Airflow's own UI."""
    with create_session() as session:
        dag = session.get(DagModel, dag_id)
        if dag is None:
            raise PageFailure(404, "not_found", f"Airflow does not know the DAG {dag_id} (yet).")
        dag.is_paused = paused
        extra = json.dumps({"is_paused": paused})
        session.add(Log("patch_dag", owner=actor, owner_display_name=actor, extra=extra, dag_id=dag_id))


def is_queued(dag_id: str) -> bool:
    """Return whether a full run that was requested on the page is still queued."""
    with create_session() as session:
        waiting = select(DagRun.conf).where(
            DagRun.dag_id == dag_id, DagRun.state == "queued", DagRun.run_id.startswith(RUN_PREFIX, autoescape=True)
        )
        return any(not conf for conf in session.scalars(waiting))


def find_run_after(dag_id: str, moment: datetime) -> datetime | None:
    """Return when the first scheduled run of a DAG at or after a moment begins, None for a paused DAG."""
    [dag] = find_dags([dag_id])
    following = dag.next_run_at
    if following is None or following >= moment:
        return following
    with create_session() as session:
        found = SerializedDagModel.get_dag(dag_id, session=session)
    runs = found.iter_dagrun_infos_between(moment - _LONGEST_GAP, moment + _LONGEST_GAP) if found else ()
    return next((run.run_after for run in runs if run.run_after >= moment), following)


def require_running(dag_ids: Sequence[str]) -> None:
    """Raise PageFailure unless a run of these DAGs would start."""
    for dag in find_dags(dag_ids):
        if not dag.exists:
            raise PageFailure(409, "dag_paused", f"Airflow does not know the DAG {dag.dag_id} (yet).")
        if dag.paused:
            raise PageFailure(409, "dag_paused", f"The DAG {dag.dag_id} is paused, so nothing would run. Unpause it.")


def start_run(dag_id: str, run_id: str, conf: dict[str, Any], actor: str) -> str | None:
    """Start a run; returns why that failed, None when it started."""
    try:
        trigger_dag(
            dag_id,
            triggered_by=DagRunTriggeredByType.UI,
            triggering_user_name=actor,
            run_id=run_id,
            conf=conf,
        )
    except (AirflowException, ValueError) as error:
        return f"Airflow did not start {dag_id}: {error}"
    return None


def read_runs(dag_ids: Sequence[str], run_id: str) -> list[RunState]:
    """Return the states of runs."""
    with create_session() as session:
        wanted = select(DagRun.dag_id, DagRun.state).where(DagRun.dag_id.in_(dag_ids), DagRun.run_id == run_id)
        states = {row.dag_id: str(row.state) for row in session.execute(wanted)}
    return [RunState(name, run_id, states.get(name, "gone"), link_run(name, run_id)) for name in dag_ids]


def link_run(dag_id: str, run_id: str, task_id: str | None = None) -> str:
    """Return the path of a run, or of a task in it, below Airflow's own address."""
    path = f"dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe='')}"
    return f"{path}/tasks/{quote(task_id, safe='')}" if task_id else path

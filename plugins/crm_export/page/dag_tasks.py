"""The tasks of our DAGs that have failed and have not succeeded since, from Airflow's own tables."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

import psycopg
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_export.operators.requests import TRY_RECORD
from crm_export.page.dag_runs import link_run
from crm_export.page.guards import DAGS
from include.export.reports import read_failures

RUNS_SEEN = 5  # of each DAG: enough to find the last two among trials
# states that decide; a task that was skipped or whose parent failed adds nothing
_DECISIVE = frozenset({"success", "failed", "up_for_retry", "running", "deferred", "up_for_reschedule"})
Reasons = dict[tuple[str, str, str], str]  # by DAG, run and task
_GATE = ".pause_on_export_errors"  # fails while its stream is held, which is reported as a hold


@dataclass(frozen=True)
class FailedTask:
    """A task that has failed; `retry_at` is when Airflow tries it again, if it does and the time is known."""

    dag_id: str
    run_id: str
    task_id: str
    stream: str | None
    state: Literal["failed", "up_for_retry"]
    ended_at: datetime | None
    retry_at: datetime | None
    reason: str | None
    airflow_path: str


def find_failed_tasks() -> list[FailedTask]:
    """Return the tasks whose last result is a failure, without the gates of held streams."""
    with create_session() as session:
        return [task for dag_id in DAGS for task in _find_in(dag_id, session)]


def read_reasons(tasks: list[FailedTask], connection: psycopg.Connection) -> Reasons:
    """Return why tasks failed, as their runs recorded it in one database."""
    return read_failures([task.run_id for task in tasks], connection) if tasks else {}


def add_reasons(tasks: list[FailedTask], reasons: Reasons) -> list[FailedTask]:
    """Return the tasks with the reasons of their failures."""
    return [replace(task, reason=reasons.get((task.dag_id, task.run_id, task.task_id))) for task in tasks]


def _find_in(dag_id: str, session: Session) -> list[FailedTask]:
    newest = select(DagRun.run_id, DagRun.conf).where(DagRun.dag_id == dag_id).order_by(DagRun.id.desc())
    runs = [run.run_id for run in session.execute(newest.limit(RUNS_SEEN)) if TRY_RECORD not in (run.conf or {})][:2]
    found: dict[str, FailedTask | None] = {}
    for run_id in runs:
        instances = select(TaskInstance).where(TaskInstance.dag_id == dag_id, TaskInstance.run_id == run_id)
        for instance in session.scalars(instances):
            if instance.state in _DECISIVE and instance.task_id not in found:
                found[instance.task_id] = _describe(instance)
    return [task for task in found.values() if task and not task.task_id.endswith(_GATE)]


def _describe(instance: Any) -> FailedTask | None:
    if instance.state not in {"failed", "up_for_retry"}:
        return None
    group, dot, _ = instance.task_id.partition(".")
    retrying = instance.state == "up_for_retry" and instance.end_date and instance.retry_delay_override is not None
    return FailedTask(
        dag_id=instance.dag_id,
        run_id=instance.run_id,
        task_id=instance.task_id,
        stream=group if dot else None,
        state=instance.state,
        ended_at=instance.end_date,
        retry_at=instance.end_date + timedelta(seconds=instance.retry_delay_override) if retrying else None,
        reason=None,
        airflow_path=link_run(instance.dag_id, instance.run_id, instance.task_id),
    )

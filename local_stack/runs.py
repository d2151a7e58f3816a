"""Triggering DAGs of a running stack, or finding their scheduled runs, and following them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import psycopg
from rich.console import Console

from include.export.reports import StreamSummary, summarise_streams
from include.export.streams import BrokenStream, load_streams
from local_stack.airflow_api import FINISHED, AirflowApi
from local_stack.ports import StackError
from local_stack.report import show_next_steps, show_summaries

RUN_SECONDS = 600
DUE_SECONDS = 60  # within which the scheduler starts a run that is due
EXPORT_TASK = "export_changes"
_WORDS = {
    "success": "done",
    "failed": "failed",
    "upstream_failed": "not run",  # the task before it failed
    "skipped": "skipped",
}


@dataclass(frozen=True)
class FollowedRun:
    """A run that has ended: the states of its tasks, and for each stream why its export failed and its host."""

    state: str
    tasks: dict[str, str | None]
    reasons: dict[str, str] = field(default_factory=dict)
    hosts: dict[str, str] = field(default_factory=dict)

    def failed_streams(self) -> list[str]:
        """Return the streams whose export failed."""
        return [name.partition(".")[0] for name, state in self.tasks.items()
                if name.endswith(f".{EXPORT_TASK}") and state == "failed"]  # fmt: skip


def run_dag(
    api: AirflowApi,
    console: Console,
    dag_id: str,
    conf: dict[str, object] | None = None,
    check: Callable[[], None] = lambda: None,
) -> FollowedRun:
    """Trigger a DAG, print each task as it ends, and return the run; `check` raises when waiting is pointless."""
    return _follow(api, console, dag_id, api.trigger(dag_id, conf), check)


def run_scheduled_or_triggered(
    api: AirflowApi, console: Console, dag_id: str, check: Callable[[], None] = lambda: None
) -> FollowedRun:
    """Follow the run that the schedule starts now, or trigger one if none is due.

    A second run next to a scheduled one would find nothing to do.
    """
    deadline = time.monotonic() + DUE_SECONDS
    while time.monotonic() < deadline:
        check()
        going_on = [run for run in api.runs(dag_id) if run["state"] not in FINISHED]
        if going_on:
            return _follow(api, console, dag_id, going_on[-1]["dag_run_id"], check)
        if not api.is_run_due(dag_id):
            break
        time.sleep(0.5)
    return run_dag(api, console, dag_id, check=check)


def _follow(api: AirflowApi, console: Console, dag_id: str, run_id: str, check: Callable[[], None]) -> FollowedRun:
    console.print(f"Run {run_id} of {dag_id}:")
    printed: set[str] = set()
    deadline = time.monotonic() + RUN_SECONDS
    while time.monotonic() < deadline:
        check()
        state, tasks = api.run_state(dag_id, run_id), api.task_states(dag_id, run_id)
        for task, task_state in sorted(tasks.items()):
            if task_state in _WORDS and task not in printed:
                printed.add(task)
                console.print(f"  {task}: {_WORDS[task_state]}", highlight=False)
        if state in FINISHED:
            run = FollowedRun(state, tasks, hosts=_read_hosts(api, dag_id, run_id))
            return _read_reasons(api, dag_id, run_id, run)
        time.sleep(0.5)
    raise StackError(f"Run {run_id} of {dag_id} did not end within {RUN_SECONDS} seconds.")


def _read_reasons(api: AirflowApi, dag_id: str, run_id: str, run: FollowedRun) -> FollowedRun:
    logs = {name: api.task_log(dag_id, run_id, f"{name}.{EXPORT_TASK}") for name in run.failed_streams()}
    return replace(run, reasons={name: reason for name, log in logs.items() if (reason := find_reason(log))})


def _read_hosts(api: AirflowApi, dag_id: str, run_id: str) -> dict[str, str]:
    hosts = api.task_hosts(dag_id, run_id)
    return {task.partition(".")[0]: host for task, host in hosts.items() if task.endswith(f".{EXPORT_TASK}") and host}


def find_reason(log: str) -> str:
    """Return the message of the exception that ended a task, from its log in JSON lines, or an empty text."""
    entries = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    details = [entry["error_detail"] for entry in entries if entry.get("error_detail")]
    return str(details[-1][0].get("exc_value") or "") if details else ""


def read_summaries(connection: psycopg.Connection) -> list[StreamSummary]:
    """Return the state of each stream."""
    return summarise_streams([stream.name for stream in load_streams()], connection=connection)


def show_streams(
    connection: psycopg.Connection,
    console: Console,
    run: FollowedRun,
    url: str,
    *,
    stays_up: bool = True,
    workers: bool = False,
) -> None:
    """Print the table of the streams, on request with their workers, what failed, and what to do next."""
    summaries = read_summaries(connection)
    failed = explain_failures(run, summaries)
    show_summaries(console, summaries, failed, run.hosts if workers else None)
    show_next_steps(console, summaries, failed, url, stays_up=stays_up)


def explain_failures(run: FollowedRun, summaries: list[StreamSummary]) -> dict[str, str]:
    """Return why exports failed in a run, by stream."""
    broken = {stream.name: stream.message for stream in load_streams() if isinstance(stream, BrokenStream)}
    messages = {line.stream: line.message for line in summaries if line.outcome == "failed"}
    unknown = f"see the log of its task {EXPORT_TASK}"
    return {
        name: broken.get(name) or run.reasons.get(name) or messages.get(name) or unknown
        for name in run.failed_streams()
    }

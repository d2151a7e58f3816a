"""Triggering DAGs of a running stack and following them."""

from __future__ import annotations

import time

from rich.console import Console

from include.export.reports import summarise_streams
from include.export.streams import load_streams
from local_stack.airflow_api import FINISHED, AirflowApi
from local_stack.place import Ports, StackError
from local_stack.report import show_next_steps, show_summaries
from local_stack.stack import connect_source

RUN_SECONDS = 600
_WORDS = {"success": "done", "failed": "failed", "upstream_failed": "not published", "skipped": "skipped"}


def run_dag(api: AirflowApi, console: Console, dag_id: str, conf: dict[str, object] | None = None) -> str:
    """Trigger a DAG, print each task as it ends, and return the state of the run."""
    run_id = api.trigger(dag_id, conf)
    console.print(f"Run {run_id} of {dag_id}:")
    told: set[str] = set()
    deadline = time.monotonic() + RUN_SECONDS
    while time.monotonic() < deadline:
        state = api.run_state(dag_id, run_id)
        for task, task_state in sorted(api.task_states(dag_id, run_id).items()):
            if task_state in _WORDS and task not in told:
                told.add(task)
                console.print(f"  {task}: {_WORDS[task_state]}", highlight=False)
        if state in FINISHED:
            return state
        time.sleep(0.5)
    raise StackError(f"Run {run_id} of {dag_id} did not end within {RUN_SECONDS} seconds.")


def show_streams(api: AirflowApi, console: Console, ports: Ports) -> None:
    """Print the table of the streams and what to do next."""
    names = [stream.name for stream in load_streams()]
    with connect_source(ports) as connection:
        summaries = summarise_streams(names, connection=connection)
    show_summaries(console, summaries)
    show_next_steps(console, summaries, api.url)

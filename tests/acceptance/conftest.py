"""One running stack for all acceptance tests of a run, and a browser in front of it."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from browsing import PATIENCE, Visitor
from local_stack.pictures import open_browser
from local_stack.place import Place, StackError
from local_stack.stack import Stack
from running_stack import free_ports, wait_for


@pytest.fixture(scope="package")  # stopped before the worker continues: a scheduler takes a core from every other test
def stack() -> Iterator[Stack]:
    """Return a stack whose CRMExport is scheduled every minute."""
    with tempfile.TemporaryDirectory(prefix="crm-stack-", dir="/var/tmp") as folder:
        place = Place(Path(folder))
        # one run at a time: on a busy machine a run takes longer than a minute, and eight would overload it
        often = {"CRM_EXPORT_SCHEDULE": "* * * * *", "CRM_EXPORT_ACTIVE_RUNS": "1"}
        # no test changes a DAG's file, which the stack of a developer reads again every 10 seconds
        often["AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL"] = "120"
        with Stack(place, free_ports(), extra_environment=often) as running:
            yield running
        subprocess.run(["rm", "-rf", str(place.postgres)], check=True)


@pytest.fixture(scope="module")
def held_and_quiet(stack: Stack) -> None:
    """Wait for the first run, which holds streams and raises unread alerts, then pause the schedule.

    It stays paused for the next file: each scheduled run takes the processors from the tests.
    """
    wait_for("the first run", lambda: any(run["state"] == "failed" for run in stack.api.runs("CRMExport")), 300)
    stack.api.unpause("CRMExport", paused=True)
    wait_for("no task", lambda: not any(_is_busy(stack, run) for run in stack.api.runs("CRMExport")))


def _is_busy(stack: Stack, run: dict[str, str]) -> bool:
    """Return whether a task of the run is running; tasks of a paused DAG that have not begun wait."""
    states = stack.api.task_states("CRMExport", run["dag_run_id"]) if run["state"] == "running" else {}
    return any(state in {"queued", "running"} for state in states.values())


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Return a headless Chromium; without one the tests are skipped."""
    expect.set_options(timeout=PATIENCE)
    opening = open_browser()
    try:
        found = opening.__enter__()
    except StackError as missing:
        pytest.skip(str(missing))
    yield found
    opening.__exit__(None, None, None)


@pytest.fixture
def visitor(stack: Stack, browser: Browser) -> Iterator[Visitor]:
    """Return a visitor of the page; an error or a violation of the page's policy fails the test."""
    somebody = Visitor(browser, stack.api)
    yield somebody
    somebody.leave()
    assert somebody.complaints == []

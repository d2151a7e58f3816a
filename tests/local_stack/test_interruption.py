"""A run that is interrupted, terminated or killed at any moment of its start leaves nothing running or damaged."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from local_stack.place import Place
from running_stack import CLEAN, find_processes, fresh_state, read_until, start_run, wait_for

pytestmark = [pytest.mark.ux(2, 10, 29), pytest.mark.timeout(400)]
MOMENTS = (0.1, 0.4, 0.8, 1.5, 2.5, 4.0, 7.0)  # seconds after the start
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STOP_SECONDS = 90


@pytest.mark.parametrize(("moment", "number"), [(each, SIGNALS[n % 3]) for n, each in enumerate(MOMENTS)])
def test_a_run_that_is_interrupted_leaves_nothing_running(moment: float, number: signal.Signals) -> None:
    with fresh_state() as state, start_run(state) as run:
        time.sleep(moment)
        os.killpg(run.pid, number)  # a terminal sends it to the whole process group
        output, _ = run.communicate(timeout=STOP_SECONDS)
        # before Python runs our first line, the signal ends the process, as any Python program
        too_early = "init_import_site" in output or run.returncode == -number
        assert run.returncode == 130 or too_early, output
        assert "Traceback" not in output or too_early, output


def test_pressing_ctrl_c_again_and_again_still_stops_everything() -> None:
    with fresh_state() as state, start_run(state) as run:
        read_until(run, "Postgres is up")
        for _ in range(8):
            os.killpg(run.pid, signal.SIGINT)
            time.sleep(0.1)
        output, _ = run.communicate(timeout=STOP_SECONDS)
        assert (run.returncode, "Traceback" in output) == (130, False), output


@pytest.mark.parametrize("moment", [0.5, 2.0, 6.0])
def test_a_run_that_is_killed_leaves_nothing_running(moment: float) -> None:
    with fresh_state() as state, start_run(state) as run:
        time.sleep(moment)
        os.killpg(run.pid, signal.SIGKILL)
        run.wait(10)
        wait_for("the end of what it had started", lambda: not find_processes(state), STOP_SECONDS)
        assert not Place(state).note.exists()


def test_after_an_interruption_the_next_run_starts_where_it_was() -> None:
    with fresh_state() as state:
        for _ in range(2):
            with start_run(state) as run:
                read_until(run, "Postgres is up")
                os.killpg(run.pid, signal.SIGINT)
                run.communicate(timeout=STOP_SECONDS)
            assert run.returncode == 130


def test_make_does_not_call_an_interruption_an_error() -> None:
    make = ("make", "-o", ".venv/.installed", "run", "WAIT=0")
    with fresh_state() as state, start_run(state, make) as run:
        read_until(run, "Postgres is up")
        os.killpg(run.pid, signal.SIGINT)
        output, _ = run.communicate(timeout=STOP_SECONDS)
        assert "Everything is stopped." in output
        assert "***" not in output


def test_a_second_run_and_clean_leave_a_stack_alone_that_is_up_in_the_same_place() -> None:
    with fresh_state() as state, start_run(state) as first:
        read_until(first, "Postgres is up")
        before, kept = find_processes(state), sorted(_files(state))
        for command in (None, CLEAN):
            done = start_run(state) if command is None else start_run(state, command)
            output, _ = done.communicate(timeout=60)
            assert done.returncode == 1
            assert output.startswith("A stack is up here: http://127.0.0.1:"), output
        assert first.poll() is None
        assert set(before) <= set(find_processes(state))
        assert set(kept) <= set(_files(state))
        os.killpg(first.pid, signal.SIGINT)
        first.communicate(timeout=STOP_SECONDS)


def test_a_folder_without_stream_files_is_named_before_anything_starts(tmp_path: Path) -> None:
    with fresh_state() as state, start_run(state, CRM_EXPORT_STREAMS=str(tmp_path)) as run:
        output, _ = run.communicate(timeout=60)
        assert run.returncode == 1
        assert output.startswith(f"No stream file (*.yaml) in {tmp_path}.")
        assert not state.exists()


def _files(state: Path) -> list[str]:
    return [str(path) for path in Place(state).postgres.rglob("PG_VERSION")] + [
        str(state / name) for name in ("stack.json", "credentials.json", "lock") if (state / name).exists()
    ]

"""Several workers: one message names missing requirements, and only the owner can read Redis's files."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from local_stack.processes.components import Component
from local_stack.processes.redis import write_configuration
from local_stack.processes.supervisor import GaveUpError, Supervisor
from running_stack import RUN, environment_of, find_processes, fresh_state, wait_for


def test_a_missing_redis_is_one_sentence_before_anything_starts(tmp_path: Path) -> None:
    with fresh_state() as state:
        environment = environment_of(state) | {"PATH": str(tmp_path)}
        done = subprocess.run([*RUN, "--workers", "2"], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "Celery workers need Redis, and redis-server is not on PATH: install it (Debian" in done.stdout
        assert len(done.stdout.strip().splitlines()) == 1
        assert find_processes(state) == []
        assert not (state / "credentials.json").exists()


@pytest.mark.parametrize("asked", ["two", "-1", "17", "٢"])
def test_a_number_of_workers_that_is_none_is_named(asked: str) -> None:
    done = subprocess.run([*RUN, f"--workers={asked}"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"{asked} is not a number of workers (0 to 16; 0: no Celery)" in done.stderr


def test_a_password_of_redis_is_in_a_file_for_its_owner_alone(tmp_path: Path) -> None:
    path = write_configuration(tmp_path / "redis", 1234, "a password")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def write_component(folder: Path, name: str, program: str) -> Component:
    return Component(name, (sys.executable, "-c", program), {"FOLDER": str(folder)})


def test_what_exits_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local_stack.processes.supervisor.PROVEN_SECONDS", 0.0)
    monkeypatch.setattr("local_stack.processes.supervisor.RESTART_DELAY_SECONDS", 0.1)
    program = "import os; open(os.environ['FOLDER'] + '/lives', 'a').write('x')"
    supervisor = Supervisor(tmp_path)
    supervisor.keep([write_component(tmp_path, "scheduler", program)])

    def lives() -> bool:
        supervisor.look()
        return (tmp_path / "lives").exists() and len((tmp_path / "lives").read_text()) >= 3

    wait_for("a third life", lives, 60)


@pytest.mark.parametrize("proven", [0.0, 1000.0])
def test_what_never_works_or_keeps_on_exiting_is_named_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proven: float
) -> None:
    monkeypatch.setattr("local_stack.processes.supervisor.PROVEN_SECONDS", proven)
    monkeypatch.setattr("local_stack.processes.supervisor.RESTART_DELAY_SECONDS", 0.0)
    monkeypatch.setattr("local_stack.processes.supervisor.MAX_ENDS", 2)
    supervisor = Supervisor(tmp_path)
    supervisor.keep([write_component(tmp_path, "triggerer", "import sys; sys.exit('port in use')")])

    def gave_up() -> str:
        try:
            supervisor.look()
        except GaveUpError as given_up:
            return str(given_up)
        return ""

    said = wait_for("the end", gave_up, 60)
    assert said.startswith("Airflow's triggerer ended with status 1. Its log is ")
    assert said.endswith("port in use")


def test_a_migration_that_fails_is_named(tmp_path: Path) -> None:
    with pytest.raises(GaveUpError, match="Airflow's db-migrate ended with status 3"):
        Supervisor(tmp_path).run_once(write_component(tmp_path, "db-migrate", "raise SystemExit(3)"))

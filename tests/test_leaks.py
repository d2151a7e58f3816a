"""The leak check of the suite can fail: planted values in a log, an output, a message, a page, a file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from leaks import PERSON, SECRET, check_files

ROOT = Path(__file__).resolve().parent.parent
_TESTS = f"""
import logging, os, pathlib, httpx, pytest
from include.export.failures import RunFailure
log = logging.getLogger("include.export.anything")

def test_log(): log.info("sent %s", "{PERSON}")
def test_debug(): log.debug("login with %s", "{SECRET}")
def test_output(): print("{SECRET}")
def test_message():
    with pytest.raises(RunFailure): raise RunFailure("rejected: {PERSON}")
def test_trace():
    try: raise ValueError("{PERSON}")
    except ValueError: log.exception("failed")
def test_page():
    answer = lambda request: httpx.Response(200, text="{SECRET}")
    httpx.Client(transport=httpx.MockTransport(answer)).get("http://page/")
@pytest.mark.shows_record_values("inner")
def test_secret_of_a_trial(): print("{SECRET}")

def test_nothing(): log.info("sent %s", "A1")
@pytest.mark.shows_record_values("inner")
def test_trial(): print("{PERSON}")
def test_file(): (pathlib.Path(os.environ["AIRFLOW_HOME"]) / "task.log").write_text("{PERSON}")
"""
_LEAKING = {"log", "debug", "output", "message", "trace", "page", "secret_of_a_trial"}


def test_whatever_shows_a_planted_value_fails(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ("leaks",)\n')
    (tmp_path / "test_inner.py").write_text(_TESTS)
    (tmp_path / "home").mkdir()
    environment = os.environ | {
        "PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'support'}",
        "AIRFLOW_HOME": str(tmp_path / "home"),
    }
    command = [sys.executable, "-m", "pytest", "-q", "-rfE", "-p", "no:cacheprovider", "-p", "no:xdist"]
    done = subprocess.run(
        [*command, "-c", "/dev/null", str(tmp_path)], env=environment, capture_output=True, text=True, check=False
    )
    assert f"{len(_LEAKING)} failed, 3 passed" in done.stdout, done.stdout
    assert {
        line.split("::test_")[1].split()[0] for line in done.stdout.splitlines() if line[:6] == "FAILED"
    } == _LEAKING
    assert "task.log of" in done.stdout, "the file is found when the worker ends"


def test_files_are_looked_into(tmp_path: Path) -> None:
    (tmp_path / "attempt=1.log").write_text('{"event": "exported A1"}')
    check_files(tmp_path)
    (tmp_path / "attempt=1.log").write_text(f'{{"event": "password={SECRET}"}}')
    with pytest.raises(AssertionError, match=r"attempt=1.log .* holds"):
        check_files(tmp_path)

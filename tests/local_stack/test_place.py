"""The location of the stack, its ports, and its settings file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from local_stack.cleaning import delete_everything
from local_stack.credentials import Credentials
from local_stack.place import ROOT, Place
from local_stack.ports import Ports, StackError
from local_stack.postgres import EmbeddedPostgres, PostgresError
from local_stack.settings_file import read_connections, read_variables

SETTINGS = ROOT / "airflow_settings.yaml"


def test_commands_for_a_running_stack_say_when_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"No stack is up here\. Start one in another terminal: make run"):
        Place(tmp_path).running_ports()


@pytest.mark.ux(2)
def test_a_second_stack_at_the_same_place_is_rejected_with_the_address_of_the_first(tmp_path: Path) -> None:
    place = Place(tmp_path / "state")
    place.make()
    with place.claim():
        with pytest.raises(StackError, match="A stack is starting or stopping here"):
            place.claim()
        place.note_running(Ports(ui=1234))
        assert place.running_ports() == Ports(ui=1234)
        with pytest.raises(StackError, match=r"A stack is up here: http://127\.0\.0\.1:1234 .*Stop it first"):
            place.claim()
    with pytest.raises(StackError, match="No stack is up here"):
        place.running_ports()
    with place.claim():
        pass


@pytest.mark.ux(2)
def test_the_lock_of_a_stack_that_was_killed_is_open_again(tmp_path: Path) -> None:
    place = Place(tmp_path / "state")
    place.make()
    claim = "import sys, time; from pathlib import Path; from local_stack.place import Place\n"
    claim += "lock = Place(Path(sys.argv[1])).claim(); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", claim, str(place.folder)], cwd=ROOT, stdout=subprocess.PIPE) as killed:
        assert killed.stdout is not None
        killed.stdout.readline()
        with pytest.raises(StackError):
            place.claim()
        killed.kill()
    with place.claim():
        pass


@pytest.mark.ux(28)
def test_clean_deletes_everything_of_its_place_and_leaves_what_others_keep_there(tmp_path: Path) -> None:
    place = Place(tmp_path)
    (tmp_path / "mine.txt").write_text("kept")
    place.make()
    place.postgres.mkdir(exist_ok=True)
    Credentials.ensure(place.folder)
    delete_everything(place)
    assert not place.postgres.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_settings_file_is_loaded_with_the_ports_of_this_stack() -> None:
    postgres, salesforce = read_connections(SETTINGS, Ports(postgres=1111, sandbox_https=2222), "made at the start")
    assert (postgres["connection_id"], postgres["port"]) == ("postgres_default", 1111)
    assert (postgres["login"], postgres["password"]) == ("crm_export", "made at the start")
    assert json.loads(salesforce["extra"])["domain"] == "127.0.0.1:2222/services/oauth2/token#"
    assert read_variables(SETTINGS) == {
        "export_to_crm": "true",
        "pause_on_export_errors": "true",
        "crm_export_batch_size": "200",
        "daily_crm_api_limit": "100000",
    }


def test_the_settings_file_has_only_keys_that_astro_knows() -> None:
    text = SETTINGS.read_text()
    assert text.startswith("# Versioned on purpose: it holds the credentials of the local sandbox only.")
    connections = [line.split(":")[0].strip("- ") for line in text.splitlines() if "conn_" in line]
    assert set(connections) <= {"conn_id", "conn_type", "conn_host", "conn_schema", "conn_login", "conn_password",
                                "conn_port", "conn_extra"}  # fmt: skip


def test_a_postgres_that_cannot_start_says_why(tmp_path: Path) -> None:
    folder = tmp_path / "pg"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "PG_VERSION").write_text("9.6\n")
    (folder / "password").write_text("any")
    with pytest.raises(PostgresError, match=r"postgres failed: .*(is not compatible|could not|lacks|missing)"):
        EmbeddedPostgres(folder).start()


def test_a_missing_python_is_one_sentence() -> None:
    done = subprocess.run(
        ["sh", "scripts/setup"], cwd=ROOT, env={"PATH": "/usr/bin:/bin", "PYTHON": "/nonexistent/python"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("Python 3.11, 3.12 or 3.13 with venv is needed and /nonexistent/python is none.")
    assert (ROOT / ".venv").exists()

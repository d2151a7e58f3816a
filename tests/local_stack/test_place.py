"""Where the stack is, which ports it takes, and what its settings file says."""

from __future__ import annotations

import json
import socket
import subprocess
from pathlib import Path

import pytest

from local_stack.place import ROOT, Place, Ports, StackError
from local_stack.postgres import EmbeddedPostgres, PostgresError
from local_stack.settings_file import read_connections, read_variables

SETTINGS = ROOT / "airflow_settings.yaml"


def test_a_port_in_use_is_one_sentence_that_names_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StackError, match=rf"Port {port} \(postgres\) is used by another program"):
            Ports(ui=0, postgres=port, sandbox_http=0, sandbox_https=0).check_free()


def test_a_port_that_is_none_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_EXPORT_UI_PORT", "eighty")
    with pytest.raises(StackError, match="CRM_EXPORT_UI_PORT=eighty is not a port number"):
        Ports.from_environment()


def test_commands_for_a_running_stack_say_when_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"No stack is up here\. Start one in another terminal: make run"):
        Place(tmp_path).running_ports()


def test_the_settings_file_is_loaded_with_the_ports_of_this_stack() -> None:
    postgres, salesforce = read_connections(SETTINGS, Ports(postgres=1111, sandbox_https=2222))
    assert (postgres["connection_id"], postgres["port"]) == ("postgres_default", 1111)
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
    with pytest.raises(PostgresError, match="pg_ctl failed"):
        EmbeddedPostgres(folder).start()


def test_a_missing_python_is_one_sentence() -> None:
    done = subprocess.run(
        ["sh", "scripts/setup"], cwd=ROOT, env={"PATH": "/usr/bin:/bin", "PYTHON": "/nonexistent/python"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("Python 3.11, 3.12 or 3.13 with venv is needed and /nonexistent/python is none.")
    assert (ROOT / ".venv").exists()

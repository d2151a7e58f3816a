"""The settings on the page: the effective value, who changed it, overrides, and the acknowledgement of off."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from airflow.models import crypto
from airflow.models.variable import Variable
from airflow.sdk.configuration import clear_secrets_backends_cache
from airflow.utils.session import create_session
from cryptography.fernet import Fernet
from sqlalchemy import update

from crm_export.settings import read_options
from exporter import Exporter
from local_stack.postgres import find_free_port
from people import Person, code, define_postgres

pytestmark = pytest.mark.filterwarnings("default")  # warnings of Airflow's API server itself
SEAT = Callable[..., Person]
PAUSE = "api/settings/pause_on_export_errors"
AGREED = {"value": False, "acknowledgement": "I know that records will be missing."}


def audited(person: Person) -> list[dict[str, Any]]:
    return list(person.get("api/audit").json()["entries"])


def test_off_needs_the_acknowledgement_and_records_who_when_and_the_text(op: Person) -> None:
    assert op.get("api/settings").json()["pause_on_export_errors"]["value"] is True
    assert code(op.put(PAUSE, {"value": False})) == (409, "acknowledgement_missing")
    assert code(op.put(PAUSE, {"value": False, "acknowledgement": "  "})) == (409, "acknowledgement_missing")
    assert audited(op) == []
    setting = op.put(PAUSE, AGREED).json()["pause_on_export_errors"]
    assert (setting["value"], setting["source"], setting["last_change"]["actor"]) == (False, "variable", "olga")
    assert Variable.get("pause_on_export_errors") == "off"
    [entry] = audited(op)
    assert (entry["from_value"], entry["to_value"]) == ("on", "off")
    assert entry["acknowledgement"] == AGREED["acknowledgement"]
    assert op.put(PAUSE, {"value": True}).json()["pause_on_export_errors"]["value"] is True
    newest, _ = audited(op)
    assert (newest["to_value"], newest["acknowledgement"]) == ("on", None)


def test_the_same_value_again_leaves_no_line(op: Person) -> None:
    for _ in range(2):
        assert (
            op.put("api/settings/crm_export_batch_size", {"value": 50}).json()["crm_export_batch_size"]["value"] == 50
        )
    assert len(audited(op)) == 1


def test_the_page_and_the_variable_are_one_setting(op: Person) -> None:
    op.put(PAUSE, AGREED)
    Variable.set("pause_on_export_errors", "Yes")
    setting = op.get("api/settings").json()["pause_on_export_errors"]
    assert (setting["value"], setting["changed_elsewhere"]) == (True, True)


@pytest.mark.parametrize(
    ("key", "value", "status"),
    [
        ("crm_export_batch_size", 25, 200),
        ("crm_export_batch_size", 150, 422),
        ("crm_export_batch_size", True, 422),
        ("daily_crm_api_limit", 100_000, 200),
        ("daily_crm_api_limit", 0, 422),
        ("daily_crm_api_limit", "200000", 422),
        ("pause_on_export_errors", 0, 422),
        ("pause_on_export_errors", None, 422),
        ("export_to_crm", True, 404),
    ],
)
def test_only_allowed_values_of_the_three_settings_are_taken(op: Person, key: str, value: Any, status: int) -> None:
    assert op.put(f"api/settings/{key}", {"value": value}).status_code == status
    assert len(audited(op)) == (1 if status == 200 else 0)


@pytest.mark.fault("H8", "C18")
def test_what_an_environment_variable_decides_is_shown_with_its_name_and_rejected(
    op: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_PAUSE_ON_EXPORT_ERRORS", "off")
    setting = op.get("api/settings").json()["pause_on_export_errors"]
    assert (setting["value"], setting["source"], setting["changeable"]) == (False, "environment", False)
    assert setting["locked_by"] == "AIRFLOW_VAR_PAUSE_ON_EXPORT_ERRORS"
    rejected = op.put(PAUSE, {"value": True})
    assert code(rejected) == (409, "overridden")
    assert "AIRFLOW_VAR_PAUSE_ON_EXPORT_ERRORS" in rejected.json()["error"]["message"]
    assert audited(op) == []


@pytest.fixture
def fresh_backends() -> Iterator[None]:
    """Reload Airflow's secrets backends for this test and after it."""
    clear_secrets_backends_cache()
    yield
    clear_secrets_backends_cache()


@pytest.mark.fault("H8")
def test_what_a_secrets_backend_decides_is_shown_with_its_name_and_rejected(
    op: Person, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fresh_backends: None
) -> None:
    (tmp_path / "variables.json").write_text('{"pause_on_export_errors": "no"}')
    monkeypatch.setenv("AIRFLOW__SECRETS__BACKEND", "airflow.secrets.local_filesystem.LocalFilesystemBackend")
    kwargs = json.dumps({"variables_file_path": str(tmp_path / "variables.json")})
    monkeypatch.setenv("AIRFLOW__SECRETS__BACKEND_KWARGS", kwargs)
    Variable.set("pause_on_export_errors", "on")
    setting = op.get("api/settings").json()["pause_on_export_errors"]
    assert (setting["value"], setting["source"], setting["changeable"]) == (False, "secrets_backend", False)
    assert setting["locked_by"] == "LocalFilesystemBackend"
    assert code(op.put(PAUSE, {"value": True})) == (409, "overridden")


def test_without_export_to_crm_there_are_no_settings_and_changes_are_rejected(op: Person) -> None:
    Variable.set("export_to_crm", "off")
    settings = op.get("api/settings").json()
    assert (settings["export_to_crm"], settings["pause_on_export_errors"], settings["problems"]) == (False, None, [])
    assert op.get("api/session").json()["export_to_crm"] is False
    assert code(op.put(PAUSE, AGREED)) == (409, "export_off")


@pytest.mark.fault("C16")
@pytest.mark.parametrize(
    ("value", "shown"), [("ture", "'ture'"), ("", "''"), ("null", "'null'"), ("x" * 10_000, "xxx…'")]
)
def test_a_malformed_value_counts_as_on_and_is_a_banner(op: Person, value: str, shown: str) -> None:
    Variable.set("pause_on_export_errors", value)
    settings = op.get("api/settings").json()
    [problem] = settings["problems"]
    assert settings["pause_on_export_errors"]["value"] is True
    assert (problem["code"], problem["used"]) == ("malformed", "on")
    assert problem["shown"].endswith(shown)
    assert read_options().pause_on_export_errors is True
    assert len(problem["message"]) < 200
    assert op.put(PAUSE, AGREED).json()["problems"] == []


@pytest.mark.fault("C16")
def test_a_value_that_cannot_be_decrypted_is_a_banner(op: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    Variable.set("daily_crm_api_limit", "200000")
    with create_session() as session:
        session.execute(update(Variable).values(is_encrypted=True))  # encrypted with another key than the one below
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", Fernet.generate_key().decode())
    crypto.get_fernet.cache_clear()
    settings = op.get("api/settings").json()
    crypto.get_fernet.cache_clear()
    assert settings["daily_crm_api_limit"]["value"] == 100_000
    assert [problem["code"] for problem in settings["problems"]] == ["unreadable"]


def test_what_the_last_run_saw_is_shown(op: Person, exporter: Exporter) -> None:
    exporter.run(pause=False)
    seen = op.get("api/settings").json()["pause_on_export_errors"]["last_seen"]
    assert (seen["value"], seen["stream"]) == (False, "accounts")


@pytest.mark.fault("H7")
def test_two_people_at_once_are_both_audited_and_the_last_wins(page: SEAT) -> None:
    people = [page(name=name) for name in ("olga", "pedro")]
    path = "api/settings/daily_crm_api_limit"
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda place: people[place % 2].put(path, {"value": 200_000 + place}), range(6)))
    entries = audited(people[0])
    assert {entry["actor"] for entry in entries} == {"olga", "pedro"}
    assert len(entries) == 6
    assert Variable.get("daily_crm_api_limit") == entries[0]["to_value"]
    assert [entry["from_value"] for entry in entries[:-1]] == [entry["to_value"] for entry in entries[1:]]
    assert people[1].get("api/settings").json()["daily_crm_api_limit"]["last_change"]["actor"] == entries[0]["actor"]


@pytest.mark.fault("H6")
def test_without_the_database_the_settings_are_shown_and_cannot_be_changed(
    op: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    define_postgres(
        monkeypatch, host="127.0.0.1", port=find_free_port(), login="x", password="planted-secret", schema="none"
    )
    settings = op.get("api/settings").json()
    assert settings["history_available"] is False
    assert settings["pause_on_export_errors"]["changeable"] is False
    for answer in (op.put(PAUSE, AGREED), op.get("api/errors"), op.get("api/errors.csv"), op.get("api/streams")):
        assert code(answer) == (503, "database_down")
        assert "planted-secret" not in answer.text
        assert "Traceback" not in answer.text
    assert Variable.get("pause_on_export_errors", default_var=None) is None
    assert op.get("api/session").status_code == 200
    assert "planted-secret" not in caplog.text


def test_tables_that_are_not_there_yet_are_reported(op: Person, exporter: Exporter) -> None:
    exporter.connection.execute("drop schema crm_export cascade")
    assert code(op.get("api/streams")) == (503, "not_installed")
    assert code(op.put(PAUSE, AGREED)) == (503, "not_installed")
    assert Variable.get("pause_on_export_errors", default_var=None) is None

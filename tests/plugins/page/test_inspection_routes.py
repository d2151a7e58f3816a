"""Checks and plans on the page: the commands' results, nothing sent, values only for users who may see them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from crm_export.page import guards
from exporter import ACCOUNTS, Exporter
from people import Person, code

pytestmark = pytest.mark.filterwarnings("default")  # warnings of Airflow's API server itself
SEAT = Callable[..., Person]


@pytest.fixture
def without_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the user every permission except that to see record values."""
    found = guards.find_permissions
    monkeypatch.setattr(
        "crm_export.page.routes.inspection.find_permissions",
        lambda user: found(user).model_copy(update={"see_values": False}),
    )


def test_a_check_of_all_has_a_line_for_each_thing_and_sends_nothing(op: Person, org: Exporter) -> None:
    org.add({"id": 1})
    before = org.last_call()
    found = op.post("api/check", {}).json()
    subjects = {line["subject"] for line in found["lines"]}
    assert {"postgres_default", "salesforce_default", "accounts", "contacts", "alerts.yaml", "pool"} <= subjects
    assert found["fail"] == 0
    assert found["ok"] + found["warn"] == len(found["lines"])
    assert {call["method"] for call in org.calls(before)} == {"GET"}


@pytest.mark.ux(27)
def test_a_wrong_field_is_found_without_sending_anything(op: Person, org: Exporter, tmp_path: Path) -> None:
    stream = {name: value for name, value in ACCOUNTS.items() if name != "name"}
    stream["fields"] = {**ACCOUNTS["fields"], "Nmae": "name"}  # type: ignore[dict-item]
    (tmp_path / "accounts.yaml").write_text(yaml.safe_dump(stream))
    found = op.post("api/check", {"stream": "accounts"}).json()
    [line] = [line for line in found["lines"] if line["level"] == "fail"]
    assert (line["subject"], line["check"]) == ("accounts", "object")
    assert "Nmae" in line["message"]
    assert found["fail"] == 1


def test_a_broken_file_and_a_stream_that_there_is_not(op: Person, org: Exporter, tmp_path: Path) -> None:
    (tmp_path / "accounts.yaml").write_text("source: [")
    found = op.post("api/check", {"stream": "accounts"}).json()
    assert found["lines"][0]["level"] == "fail"
    assert code(op.post("api/check", {"stream": "nosuch"})) == (404, "not_found")


def test_an_org_that_does_not_answer_is_a_line(
    op: Person, org: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.delenv("AIRFLOW_CONN_SALESFORCE_DEFAULT")
    found = op.post("api/check", {"stream": "accounts"}).json()
    [line] = [line for line in found["lines"] if line["subject"] == "salesforce_default"]
    assert line["level"] == "fail"
    assert "AIRFLOW_CONN_SALESFORCE_DEFAULT" in line["message"]
    assert any(line["subject"] == "accounts" for line in found["lines"]), "the source is checked all the same"


def test_a_plan_counts_what_the_next_run_would_do(op: Person, org: Exporter) -> None:
    org.add({"id": 1})
    org.run()
    org.change(1, 30, name="changed")
    org.add({"id": 2, "name": "new"})
    before = org.last_call()
    found = op.post("api/streams/accounts/plan", {}).json()
    assert (found["rows_waiting"], found["sampled"], found["creates"], found["updates"]) == ("2", 2, 1, 1)
    assert (found["requests"], found["jobs"], found["api_calls"]) == (1, 0, 1)
    assert [row["action"] for row in found["rows"]] == ["create", "update"] or [
        row["action"] for row in found["rows"]
    ] == ["update", "create"]
    assert any('"changed"' in str(row["record"]) for row in found["rows"])
    assert not any(call["method"] in {"PATCH", "DELETE", "PUT"} for call in org.calls(before))
    assert op.post("api/streams/accounts/plan", {}).json()["rows_waiting"] == "2", "nothing was sent or written"
    assert [entry["action"] for entry in op.get("api/audit").json()["entries"]] == ["see_plan", "see_plan"]


@pytest.mark.usefixtures("without_values")
def test_without_the_right_to_values_a_plan_has_counts_only(op: Person, org: Exporter) -> None:
    org.add({"id": 1, "name": "Maria", "kind": "Nonsense"})
    answer = op.post("api/streams/accounts/plan", {})
    found = answer.json()
    assert (found["creates"], found["rows"], found["rejected"]) == (1, None, None)
    assert "Maria" not in answer.text
    checked = op.post("api/check", {"stream": "accounts"})
    assert "Nonsense" not in checked.text
    assert "lacks 1 value of the column" in checked.text
    assert op.get("api/audit").json()["entries"] == []


def test_a_check_names_values_for_whoever_may_see_them(op: Person, org: Exporter) -> None:
    org.add({"id": 1, "kind": "Nonsense"})
    assert "lacks Nonsense" in op.post("api/check", {"stream": "accounts"}).text


def test_a_plan_of_a_held_stream_names_the_record(op: Person, org: Exporter) -> None:
    org.add({"id": 1, "name": "bad"}, {"id": 2})
    org.run()
    assert op.post("api/streams/accounts/plan", {}).json()["held_at"] == "1"


def test_a_plan_without_an_org_says_why(op: Person, org: Exporter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_SALESFORCE_DEFAULT")
    answer = op.post("api/streams/accounts/plan", {})
    assert code(answer) == (503, "misconfigured")
    assert "salesforce_default" in answer.json()["error"]["message"]


def test_viewers_may_neither_check_nor_plan(page: SEAT, org: Exporter, dags: None) -> None:
    for role in ("viewer", "user"):
        assert page(role).post("api/check", {}).status_code == 403
        assert page(role).post("api/streams/accounts/plan", {}).status_code == 403

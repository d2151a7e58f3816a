"""`plan`: the next run does what the plan shows, and the plan sends and stores nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from command_lines import run
from exporter import Exporter


def plan(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    code, shown = run(capsys, "plan", "accounts", "--json")
    assert code == 0, shown
    found: dict[str, Any] = json.loads(shown[shown.index("{\n") :])
    return found


def test_creates_updates_deletes_and_local_rejections_are_distinguished(
    commands: Exporter, capsys: pytest.CaptureFixture[str]
) -> None:
    commands.add({"id": 1}, {"id": 2}, {"id": 3})
    commands.run()
    commands.add({"id": 4, "minute": 10}, {"id": 5, "minute": 11, "ext": None}, {"id": 7, "minute": 13, "ext": "new"})
    commands.change(1, 20, name="renamed")
    commands.change(2, 21, deleted_at="2026-01-02")
    found = plan(capsys)
    assert found["counts"] == {"create": 2, "update": 1, "delete": 1, "absent": 0, "rejected": 1}
    assert (found["rows_waiting"], found["sampled"], found["requests"]) == ("5", 5, 1)
    assert [row["action"] for row in found["rows"]] == ["create", "create", "update", "delete"]
    assert json.loads(found["rows"][2]["record"])["Name"] == "renamed"
    assert [(row["key"], row["verdict"]) for row in found["rejected"]] == [("5", "CRM_EXPORT_BLANK_EXTERNAL_ID")]
    report = commands.run(pause=False)
    assert (report.rows_changed, report.rejected) == (5, 1), "the run does what was planned"


def test_nothing_is_sent_and_nothing_is_kept(commands: Exporter, capsys: pytest.CaptureFixture[str]) -> None:
    commands.add_many(1, 500)
    before = commands.last_call()
    found = plan(capsys)
    assert (found["rows_waiting"], found["sampled"], len(found["rows"]), found["calls"]) == ("500", 200, 10, 3)
    assert {call["method"] for call in commands.calls(before)} == {"GET"}
    assert commands.control.writes("Account") == []
    for table in ("ExportBatches", "ExportBatchRows", "ExportRuns", "ExportWatermarks", "ExportErrors"):
        assert commands.connection.execute(f"select count(*) from crm_export.{table}").fetchone() == (0,), table


def test_it_is_shown_for_people(commands: Exporter, capsys: pytest.CaptureFixture[str]) -> None:
    assert "Nothing has changed." in run(capsys, "plan", "accounts")[1]
    commands.add({"id": 1, "notes": "a note"})
    code, shown = run(capsys, "plan", "accounts")
    assert code == 0
    assert "accounts: 1 rows wait: 1 request, about 1 API call." in shown
    assert "Of the first 1: 1 creates, 0 rejected before they are sent." in shown
    assert 'create    Account Ext__c=A1  {"attributes":{"type":"Account"},"Ext__c":"A1","Name":"Account 1"' in shown


def test_a_hold_is_named_and_a_mistake_is_reported(commands: Exporter, capsys: pytest.CaptureFixture[str]) -> None:
    commands.add({"id": 1}, {"id": 2, "kind": "Nonsense"})
    commands.run()
    assert plan(capsys)["held_at"] == "2"
    commands.connection.execute("alter table app.accounts drop column notes")
    code, shown = run(capsys, "plan", "accounts")
    assert (code, "fields.Notes__c names column notes" in shown) == (2, True)

"""The command line: its output, its JSON, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from command_lines import run
from crm_export.command_line.json_schemas import SCHEMAS, write_schema
from crm_export.command_line.main import main
from exporter import Exporter
from include.export.streams import load_streams
from include.export.streams.files import DEFAULT_FOLDER
from include.version import VERSION

ROOT = Path(__file__).resolve().parents[3]


def test_status_shows_each_stream_and_its_exit_code_shows_whether_all_is_well(
    commands: Exporter, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "status") == (0, f"ok  {'accounts':<30}  never exported\n")
    commands.add({"id": 1}, {"id": 2, "kind": "Nonsense"})
    commands.run()
    commands.gate()
    code, shown = run(capsys, "status")
    assert (code, "held at key=2: INVALID_OR_NULL" in shown) == (1, True)
    code, shown = run(capsys, "status", "--json")
    assert (code, json.loads(shown)["well"]) == (1, False)


def test_a_resend_is_shown_first_and_asked_for_with_yes(commands: Exporter, capsys: pytest.CaptureFixture[str]) -> None:
    commands.add_many(1, 300)
    commands.run()
    code, shown = run(capsys, "resend", "accounts", "--from", "2026-01-01T00:01:00Z")
    assert code == 0
    assert shown.startswith("241 rows in 2 requests, about 2 API calls")
    assert "Nothing was requested. Add --yes to do it." in shown
    code, shown = run(capsys, "resend", "accounts", "--key", "7", "--yes", "--by", "olga", "--json")
    assert (code, json.loads(shown)["preview"]["rows"]) == (0, 1)
    assert commands.run().rows_sent == 1


def test_a_resend_of_no_rows_is_not_requested(commands: Exporter, capsys: pytest.CaptureFixture[str]) -> None:
    commands.add_many(1, 3)
    commands.run()
    code, shown = run(capsys, "resend", "accounts", "--from", "2099-01-01T00:00:00Z", "--yes")
    assert code == 1
    assert "No exported row is in the range. Nothing was requested." in shown
    assert commands.run().rows_sent == 0


def test_a_new_org_is_begun_with_yes_only(commands: Exporter, capsys: pytest.CaptureFixture[str]) -> None:
    commands.add({"id": 1})
    commands.run()
    assert "would start from the beginning" in run(capsys, "resend", "accounts", "--new-org")[1]
    assert commands.watermark() == "1"
    assert "It starts from the beginning at the next run." in run(capsys, "resend", "accounts", "--new-org", "--yes")[1]
    assert commands.watermark() is None


def test_alerts_lists_what_is_open_and_tests_the_channels(
    commands: Exporter, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "alerts") == (0, "No alert is open.\n")
    commands.add({"id": 2, "kind": "Nonsense"})
    commands.run()
    commands.gate()
    code, shown = run(capsys, "alerts")
    assert (code, "critical  held        accounts  2" in shown) == (1, True)
    code, shown = run(capsys, "alerts", "test")
    assert (code, "alerts.yaml names no channel" in shown) == (1, True)


def test_a_sample_goes_to_each_channel(commands: Exporter, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "alerts.yaml").write_text("channels:\n  own: {type: webhook, connection: nowhere}\n")
    code, shown = run(capsys, "alerts", "test")
    assert (code, "own: Connection nowhere is not defined" in shown) == (1, True)
    code, shown = run(capsys, "alerts", "test", "own", "others")
    assert "others: alerts.yaml has no such channel; it has own" in shown
    assert [stream.name for stream in load_streams()] == ["accounts"], "alerts.yaml is no stream"


def test_a_wrong_alerts_file_is_one_message(
    commands: Exporter, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "alerts.yaml").write_text("channels:\n  team: {type: smtp}\n")
    code, shown = run(capsys, "alerts", "test")
    assert (code, shown.count("\n")) == (2, 1)
    assert "alerts.yaml: channels.team: Value error, to: is missing; list the addresses to mail to" in shown


def test_a_misspelt_stream_is_asked_about(commands: Exporter, capsys: pytest.CaptureFixture[str]) -> None:
    code, shown = run(capsys, "try", "acounts", "1")
    assert (code, shown) == (2, "There is no stream acounts. Did you mean accounts? Streams: accounts\n")


def test_a_record_is_tried_with_its_request_and_answer(commands: Exporter, capsys: pytest.CaptureFixture[str]) -> None:
    commands.add({"id": 1})
    code, shown = run(capsys, "try", "accounts", "1")
    assert (code, "PATCH /services/data/" in shown, "Salesforce accepted the record" in shown) == (0, True, True)


def test_the_version_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert (ended.value.code, capsys.readouterr().out) == (0, f"CRM Export {VERSION}\n")


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_the_committed_schemas_are_those_of_the_code(name: str) -> None:
    assert (ROOT / "schemas" / f"{name}.schema.json").read_text() == write_schema(name), "make schemas"


def test_the_files_of_the_sample_name_their_schema_in_the_first_line() -> None:
    for file in DEFAULT_FOLDER.glob("*.yaml"):
        first = file.read_text().splitlines()[0]
        assert first.startswith("# yaml-language-server: $schema=../../schemas/"), file.name

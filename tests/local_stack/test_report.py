"""The table in the terminal, and the suggestions below it."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from include.export.reports import ErrorCounts, StreamSummary
from local_stack.report import WIDTH, show_next_steps, show_summaries
from local_stack.runs import FollowedRun, explain_failures, find_reason
from local_stack.stories import describe_hold

URL = "http://127.0.0.1:8080"


def line(stream: str, **more: object) -> StreamSummary:
    usual: dict[str, object] = {
        "watermark": None, "record_key": None, "held_since": None, "held_key": None, "held_code": None,
        "held_message": None, "outcome": "complete", "message": None, "rows_changed": 0, "rows_sent": 0, "accepted": 0,
        "rejected": 0, "rows_waiting": None,
    }  # fmt: skip
    return StreamSummary(stream=stream, **(usual | more))  # type: ignore[arg-type]


def printed(summaries: list[StreamSummary], failed: dict[str, str] | None = None, *, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    show_summaries(console, summaries, failed or {})
    return console.file.getvalue()  # type: ignore[attr-defined]


def offered(summaries: list[StreamSummary], failed: dict[str, str] | None = None, *, stays_up: bool = True) -> str:
    console = Console(file=io.StringIO(), width=80)
    show_next_steps(console, summaries, failed or {}, URL, stays_up=stays_up)
    return console.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.ux(13)
@pytest.mark.parametrize("length", [1, 22, 23, 63])
@pytest.mark.parametrize("width", [78, 80, 200])
def test_the_table_fits_78_columns_whatever_the_names_and_numbers(length: int, width: int) -> None:
    many = line(
        "s" * length, rows_changed=123_456_789, accepted=23_456_789, rejected=100_000_000, outcome="held",
        held_key="K" * 40, held_code="SOME_CODE", rows_waiting=1_400, errors=ErrorCounts(open=999_999),
    )  # fmt: skip
    text = printed([many, line("another", outcome="waiting_for_credits")], width=width)
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "123.5M" in text
    assert "999,999" in text
    assert "no credits" in text
    table = text[: text.index(" is held at")].splitlines()
    assert len([row for row in table if row.strip()]) <= 6, "each stream has one line"


def test_with_workers_names_with_the_same_ends_can_be_distinguished() -> None:
    console = Console(file=io.StringIO(), width=80)
    lines = [line("buyer_attribution_touchpoints"), line("buyer_touchpoints")]
    show_summaries(console, lines, {}, {})
    rows = {row.split()[0] for row in console.file.getvalue().splitlines() if row.startswith("buyer")}  # type: ignore[attr-defined]
    assert len(rows) == 2


@pytest.mark.parametrize("outcome", ["complete", "waiting_for_credits"])
def test_with_workers_the_table_names_the_one_of_each_stream(outcome: str) -> None:
    console = Console(file=io.StringIO(), width=80)
    lines = [line("buyer_attribution_touchpoints", rows_changed=123_456_789, outcome=outcome), line("persons")]
    show_summaries(console, lines, {"broken": "Why."}, {"buyer_attribution_touchpoints": "worker-1"})
    text = console.file.getvalue()  # type: ignore[attr-defined]
    rows = {row.split()[0]: row.split()[-1] for row in text.splitlines() if row.strip()}
    assert (rows["buyer…oints"], rows["persons"], rows["broken"]) == ("worker-1", "-", "Why.")
    assert max(map(len, text.splitlines())) <= WIDTH


@pytest.mark.ux(13)
def test_names_that_differ_in_their_ends_can_be_distinguished() -> None:
    text = printed([line("buyer_attribution_touchpoints_of_2025"), line("buyer_attribution_touchpoints_of_2026")])
    assert "of_2025" in text
    assert "of_2026" in text


@pytest.mark.ux(13)
def test_what_changed_is_accepted_rejected_or_pending_and_open_counts_every_unresolved_error() -> None:
    errors = ErrorCounts(open=2, waiting=3, set_aside=4, ignored=5)
    row = printed([line("accounts", rows_changed=60, accepted=54, rejected=2, errors=errors)]).splitlines()
    assert next(each for each in row if "accounts" in each).split() == [
        "accounts",
        "60",
        "54",
        "2",
        "4",
        "14",
        "complete",
    ]


@pytest.mark.ux(24)
def test_a_failed_stream_is_named_with_its_reason_and_not_called_unheld() -> None:
    failed = {"accounts": "Salesforce is under maintenance.", "broken": "Stream file broken.yaml: key: is missing"}
    summaries = [line("accounts", outcome="failed", message="Salesforce is under maintenance.")]
    text = printed(summaries, failed)
    assert "accounts failed: Salesforce is under maintenance." in text
    assert "broken failed: Stream file broken.yaml: key: is missing" in text
    assert text.count(" failed") == 4
    assert "Nothing is held" not in offered(summaries, failed)


@pytest.mark.ux(24)
def test_why_a_stream_failed_is_in_its_file_in_its_run_or_in_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken.yaml").write_text("source: a.b\n")
    monkeypatch.setenv("CRM_EXPORT_STREAMS", str(tmp_path))
    states: dict[str, str | None] = {f"{name}.export_changes": "failed" for name in ("broken", "known", "unknown")}
    run = FollowedRun("failed", states | {"fine.export_changes": "success", "fine.pause_on_export_errors": "failed"})
    reasons = explain_failures(run, [line("known", outcome="failed", message="Quota."), line("unknown")])
    assert reasons["broken"].startswith("Stream file broken.yaml: ")
    assert reasons["known"] == "Quota."
    assert reasons["unknown"] == "see the log of its task export_changes"
    assert "fine" not in reasons
    logged = explain_failures(replace(run, reasons={"unknown": "Column gone."}), [])
    assert logged["unknown"] == "Column gone."


@pytest.mark.ux(24)
def test_the_reason_of_a_failed_task_is_the_message_of_its_last_exception() -> None:
    entries: list[dict[str, object]] = [
        {"event": "Task failed with exception", "error_detail": [{"exc_type": "A", "exc_value": "first try"}]},
        {"event": "other"},
        {"event": "Task failed with exception", "error_detail": [{"exc_type": "B", "exc_value": "Quota is used up."}]},
    ]
    assert find_reason("\n".join(map(json.dumps, entries))) == "Quota is used up."
    assert find_reason('{"event": "done"}\n') == ""


@pytest.mark.ux(25)
def test_without_a_terminal_only_what_still_works_is_offered() -> None:
    text = offered([line("accounts", held_key="1", held_code="X")], stays_up=False)
    assert "make run WAIT=1" in text
    for gone in ("make story N", "make try", URL):
        assert gone not in text


def test_what_is_held_and_what_is_not_offer_different_things() -> None:
    assert "make story N=1" in offered([line("accounts", held_key="1", held_code="X")])
    assert "Nothing is held. Change something" in offered([line("accounts")])


@pytest.mark.ux(13)
def test_texts_of_records_are_not_taken_for_markup() -> None:
    assert "[red]x[/red]" in printed([line("accounts", held_key="[red]x[/red]", held_code="X")])


@pytest.mark.ux(14)
@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (None, None, "accounts was not held, so there was nothing to continue."),
        (None, "7", "accounts was not held, so there was nothing to continue. It is held at 7 now."),
        ("3", "3", "accounts is still held at 3: another rule rejects it."),
        ("3", "7", "accounts continued from 3, up to 7, the next rejected one."),
        ("3", None, "accounts continued from 3, to its end."),
    ],
)
def test_a_story_says_what_was_measured(before: str | None, after: str | None, said: str) -> None:
    assert describe_hold("accounts", before, after) == said

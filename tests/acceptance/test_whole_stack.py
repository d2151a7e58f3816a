"""The whole stack with a running scheduler: what `make run` starts, held, fixed, gone on, healed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import expect

import leaks
from browsing import Visitor, go
from include.export.reports.summary import StreamSummary, summarise_streams
from local_stack.stack import Stack
from running_stack import free_ports, wait_for

pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(420),
]
ROOT = Path(__file__).resolve().parents[2]
EXPORT = "CRMExport"


def summary(stack: Stack, stream: str) -> StreamSummary | None:
    with stack.connect() as connection:
        found = summarise_streams([stream], connection=connection)
    return found[0] if found else None


def finished_runs(stack: Stack) -> list[dict[str, Any]]:
    runs = [run for run in stack.api.runs(EXPORT) if run["state"] in {"success", "failed"}]
    return list(reversed(runs))


def test_a_held_record_is_fixed_in_the_org_and_the_next_scheduled_run_goes_on(stack: Stack) -> None:
    first = wait_for("the first scheduled run", lambda: finished_runs(stack))[0]
    assert first["run_type"] == "scheduled"
    states = stack.api.task_states(EXPORT, first["dag_run_id"])
    assert states["buyer_touchpoints.export_changes"] == "success"
    assert states["buyer_touchpoints.pause_on_export_errors"] == "failed"
    held = summary(stack, "buyer_touchpoints")
    assert held is not None
    assert (held.record_key, held.held_key, held.rows_changed) == ("TP2_00003599", "TP2_00003600", held.rows_changed)
    assert held.held_since is not None
    log = stack.api.task_log(EXPORT, first["dag_run_id"], "buyer_touchpoints.pause_on_export_errors")
    assert "Paused: stream buyer_touchpoints stopped at key=TP2_00003600" in log
    assert "Traceback" not in log
    assert "task_runner.py" not in log

    stack.control.switch_rule("BT_Needs_Channel_Path", active=False)
    # the next refused records are those with a landing page that is too long
    gone_on = wait_for("a later scheduled run going on", lambda: _held_at(stack, "TP2_00003800"))
    assert gone_on.record_key == "TP2_00003799"
    with stack.connect() as connection:
        resolved = connection.execute(
            "select status, resolved_by from crm_export.ExportErrors where record_key = 'TP2_00003600'"
        ).fetchone()
    assert resolved == ("resolved", "CRMExport")
    assert all(run["run_type"] == "scheduled" for run in stack.api.runs(EXPORT))


def _held_at(stack: Stack, key: str) -> StreamSummary | None:
    found = summary(stack, "buyer_touchpoints")
    return found if found and found.held_key == key and found.held_since else None


def test_the_story_of_a_refused_record_told_through_the_page(stack: Stack, visitor: Visitor) -> None:
    """Refused, held and seen; acknowledged and off; passed over; on again; fixed; the daily job; resolved."""
    page = visitor.open()
    hold = page.get_by_role("article").filter(has_text="CMP_000025")
    expect(hold).to_contain_text("bad value for restricted picklist field: Unknown")
    switch = page.get_by_role("switch", name="Pause on Export Errors")
    switch.click()
    dialog = page.get_by_role("dialog", name="Data inconsistency acknowledgement")
    expect(dialog).to_contain_text("campaigns is paused at CMP_000025")
    dialog.get_by_role("button", name="Ok").click()
    expect(switch).not_to_be_checked()
    expect(page.get_by_text("Turned off by admin")).to_be_visible()
    assert stack.api.variables()["pause_on_export_errors"] == "off"

    wait_for("every stream at its end", lambda: _all_complete(stack))
    _check_what_was_passed_over(stack)
    expect(page.get_by_role("article")).to_have_count(0)
    expect(page.get_by_role("region", name="Is everything in Salesforce?")).to_contain_text("All but")
    switch.click()
    expect(switch).to_be_checked()
    assert stack.api.variables()["pause_on_export_errors"] == "on"

    stack.control.add_picklist_values("Campaign", "Areas_of_Interest__c", "Unknown")
    stack.control.switch_rule("Closed_Opps_Are_Frozen", active=False)
    run_id = stack.api.trigger("CRMExport_ExportError")
    state = wait_for("the end of the daily job", lambda: _end_state(stack, "CRMExport_ExportError", run_id))
    assert state == "success"
    _check_what_is_left(stack)
    go(page, "errors/records?status=resolved&search=CMP_000025")
    page.get_by_role("link", name="CMP_000025").click()
    expect(page.get_by_role("heading", name="CMP_000025 resolved")).to_be_visible()
    expect(page.get_by_role("list").filter(has_text="accepted")).to_contain_text("CRMExport_ExportError")
    go(page, "history")
    for change in ("set pause_on_export_errors from on to off", "set pause_on_export_errors from off to on"):
        expect(page.get_by_role("listitem").filter(has_text=change)).to_contain_text("admin")
    page.get_by_text("What was acknowledged").click()
    expect(page.get_by_text("campaigns is paused at CMP_000025")).to_be_visible()


def test_a_click_retries_one_record_and_says_what_came_of_it(stack: Stack, visitor: Visitor) -> None:
    page = visitor.open("crm-export/errors/records?search=00QMM0000000300")
    page.get_by_role("link", name="00QMM0000000300").click()
    page.get_by_role("button", name="Retry now: 00QMM0000000300").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("1 record is sent to Salesforce again")
    dialog.get_by_role("button", name="Retry").click()
    expect(dialog.get_by_role("listitem").filter(has_text="00QMM0000000300")).to_contain_text(
        "rejected again", timeout=90_000
    )
    dialog.get_by_role("button", name="Close").click()
    expect(page.get_by_role("list").filter(has_text="requested by admin")).to_be_visible()


def _check_what_was_passed_over(stack: Stack) -> None:
    with stack.connect() as connection:
        counts = dict(
            connection.execute(
                "select stream || ' ' || error_code, count(*) from crm_export.ExportErrors"
                " where status <> 'resolved' group by 1"
            ).fetchall()
        )
    assert counts["campaigns INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"] == 1
    assert counts["buyer_touchpoints INVALID_FIELD"] == 60
    assert counts["buyer_touchpoints STRING_TOO_LONG"] == 12
    assert counts["buyer_attribution_touchpoints CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"] == 152
    assert not any("UNABLE_TO_LOCK_ROW" in cause for cause in counts)


def _check_what_is_left(stack: Stack) -> None:
    with stack.connect() as connection:
        left = dict(
            connection.execute(
                "select stream, count(*) from crm_export.ExportErrors where status <> 'resolved' group by 1"
            ).fetchall()
        )
    assert left == {
        "account_scores": 2, "persons": 25, "lead_accounts": 40, "buyer_touchpoints": 20,
        "buyer_attribution_touchpoints": 8,
    }  # fmt: skip


def _all_complete(stack: Stack) -> bool:
    names = ["account_scores", "campaigns", "persons", "lead_accounts", "buyer_touchpoints",
             "buyer_attribution_touchpoints"]  # fmt: skip
    with stack.connect() as connection:
        found = summarise_streams(names, connection=connection)
    return len(found) == 6 and all(line.outcome == "complete" and not line.held_key for line in found)


def _end_state(stack: Stack, dag_id: str, run_id: str) -> str | None:
    state = stack.api.run_state(dag_id, run_id)
    return state if state in {"success", "failed"} else None


def test_a_person_can_clear_a_task_and_try_one_record(stack: Stack) -> None:
    stack.api.set_variable("pause_on_export_errors", "false")
    wait_for("every stream at its end", lambda: _all_complete(stack))
    environment = os.environ | {"CRM_EXPORT_STATE": str(stack.place.folder)}
    done = subprocess.run(
        [sys.executable, "-m", "local_stack", "try", "persons", "00QMM0000000300"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert (
        "PATCH /services/data/v67.0/composite/sobjects/bizible2__Bizible_Person__c/bizible2__UniqueId__c" in done.stdout
    )
    assert "CANNOT_UPDATE_CONVERTED_LEAD" in done.stdout
    assert "ConvertedLead" in done.stdout
    run = stack.api.runs(EXPORT)[-1]["dag_run_id"]
    stack.api.clear(EXPORT, run, ["persons.export_changes"])
    gate = "persons.pause_on_export_errors"
    wait_for("the cleared task", lambda: stack.api.task_states(EXPORT, run)[gate] == "success")
    event = next(event for event in stack.api.asset_events() if event["name"] == "crm_export_persons")
    assert (event["extra"]["stream"], event["extra"]["held"]) == ("persons", False)
    assert event["extra"]["record_key"] == "00QMM0000000400"


def test_dags_test_runs_beside_the_stack_with_its_variables(stack: Stack) -> None:
    environment = os.environ | {"CRM_EXPORT_STATE": str(stack.place.folder)}
    stack.api.set_variable("export_to_crm", "false")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "local_stack", "airflow", "dags", "test", EXPORT],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
    finally:
        stack.api.set_variable("export_to_crm", "true")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "export_to_crm is off" in done.stdout


def test_the_daily_check_finds_a_late_row_beside_the_schedule(stack: Stack) -> None:
    with stack.connect() as connection:
        connection.execute(
            "update mm.biz_touchpoints set _modified_date = _modified_date - interval '1 ms' where id = 'TP2_00000010'"
        )
    run_id = stack.api.trigger("CRMExport_Reconcile")
    state = wait_for("the end of the daily check", lambda: _end_state(stack, "CRMExport_Reconcile", run_id))
    assert state == "success", stack.api.task_states("CRMExport_Reconcile", run_id)
    with stack.connect() as connection:
        found = connection.execute(
            "select kind, stream, subject from crm_export.ExportFindings where kind in ('late_row', 'stepped_back')"
        ).fetchall()
    assert found == [("late_row", "buyer_touchpoints", "TP2_00000010")]


def test_no_secret_and_no_value_of_a_record_is_in_a_log_or_store_of_airflow(stack: Stack) -> None:
    values = (r"(contact|lead)\d+@example\.com", r"northwind\.example/landing")
    leaks.check_files(stack.place.airflow / "logs", *values)
    kept = " union all ".join(
        f"select '{table}', t::text from {table} t"
        for table in ("xcom", "rendered_task_instance_fields", "log", "asset_event", "dag_run")
    )
    with psycopg.connect(host="127.0.0.1", port=stack.ports.postgres, user="postgres", dbname="airflow") as connection:
        rows = connection.execute(kept).fetchall()
    assert {table for table, _ in rows} >= {"xcom", "log", "asset_event", "dag_run"}
    words = re.compile("|".join([*map(re.escape, leaks.SECRETS), *values]))
    assert [(table, text) for table, text in rows if words.search(text)] == []


def test_what_a_running_stack_keeps_cannot_be_forgotten(stack: Stack) -> None:
    environment = os.environ | {"CRM_EXPORT_STATE": str(stack.place.folder)}
    command = [sys.executable, "-m", "local_stack", "clean"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (
        1, "A stack is up here. Stop it first, with Ctrl-C in its terminal."
    )  # fmt: skip
    assert summary(stack, "campaigns") is not None


def test_one_command_ends_with_the_table_and_leaves_nothing_running(tmp_path: Path) -> None:
    ports = free_ports()
    state = tempfile.mkdtemp(prefix="crm-run-", dir="/var/tmp")
    environment = os.environ | {
        "CRM_EXPORT_STATE": state,
        "CRM_EXPORT_UI_PORT": str(ports.ui),
        "CRM_EXPORT_POSTGRES_PORT": str(ports.postgres),
        "CRM_EXPORT_SANDBOX_HTTP_PORT": str(ports.sandbox_http),
        "CRM_EXPORT_SANDBOX_HTTPS_PORT": str(ports.sandbox_https),
    }
    command = [sys.executable, "-m", "local_stack", "run", "--wait", "no"]
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "campaigns is held at key=CMP_000025" in done.stdout
        assert "make story N=1" in done.stdout
        ports.check_free()
        left = subprocess.run(["pgrep", "-f", state], capture_output=True, text=True, check=False)
        assert left.stdout == ""
    finally:
        subprocess.run([sys.executable, "-m", "local_stack", "clean"], cwd=ROOT, env=environment, check=True)
        subprocess.run(["rm", "-rf", state], check=True)


def test_a_port_in_use_is_one_clear_sentence(stack: Stack, tmp_path: Path) -> None:
    environment = os.environ | {
        "CRM_EXPORT_STATE": str(tmp_path),
        "CRM_EXPORT_UI_PORT": str(stack.ports.ui),
    }
    command = [sys.executable, "-m", "local_stack", "run", "--wait", "no"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"Port {stack.ports.ui} (ui) is used by another program." in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_interrupting_the_start_leaves_nothing_running(tmp_path: Path) -> None:
    ports = free_ports()
    state = tempfile.mkdtemp(prefix="crm-cut-", dir="/var/tmp")
    environment = os.environ | {
        "CRM_EXPORT_STATE": state,
        "CRM_EXPORT_UI_PORT": str(ports.ui),
        "CRM_EXPORT_POSTGRES_PORT": str(ports.postgres),
        "CRM_EXPORT_SANDBOX_HTTP_PORT": str(ports.sandbox_http),
        "CRM_EXPORT_SANDBOX_HTTPS_PORT": str(ports.sandbox_https),
    }
    command = [sys.executable, "-m", "local_stack", "run", "--wait", "no"]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        # a suite in the background of a shell inherits that SIGINT is ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    try:
        time.sleep(6)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=40)
        assert process.returncode == 130, output.decode()
        ports.check_free()
    finally:
        subprocess.run([sys.executable, "-m", "local_stack", "clean"], cwd=ROOT, env=environment, check=True)
        subprocess.run(["rm", "-rf", state], check=True)

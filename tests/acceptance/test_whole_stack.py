"""The whole stack with a running scheduler, as `make run` starts it: held, fixed, continued, healed."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import stat
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from playwright.sync_api import expect

import leaks
from browsing import Visitor, go
from include.export.reports.summary import StreamSummary, summarise_streams
from include.export.streams import load_streams
from local_stack.place import Place
from local_stack.stack import Stack
from running_stack import (
    RUN,
    are_free,
    environment_of,
    find_processes,
    free_ports,
    fresh_state,
    read_until,
    start_run,
    wait_for,
)

pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(900),
]
ROOT = Path(__file__).resolve().parents[2]
EXPORT = "CRMExport"


@pytest.fixture(scope="module", autouse=True)
def scheduled(stack: Stack) -> None:
    """Continue the schedule, which the tests of the page pause."""
    stack.api.unpause(EXPORT)


def summary(stack: Stack, stream: str) -> StreamSummary | None:
    with stack.connect() as connection:
        found = summarise_streams([stream], connection=connection)
    return found[0] if found else None


def scheduled_runs(stack: Stack) -> list[dict[str, Any]]:
    """Return the finished scheduled runs, oldest first."""
    runs = [run for run in stack.api.runs(EXPORT) if run["state"] in {"success", "failed"}]
    return [run for run in reversed(runs) if run["run_type"] == "scheduled"]


def test_a_held_record_is_fixed_in_the_org_and_the_next_scheduled_run_goes_on(stack: Stack) -> None:
    first = wait_for("a scheduled run", lambda: scheduled_runs(stack))[-1]
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
    assert "error_detail" not in log, "an expected hold shows stack frames"

    before = {run["dag_run_id"] for run in stack.api.runs(EXPORT)}
    stack.control.switch_rule("BT_Needs_Channel_Path", active=False)
    # the next rejected records are those with a landing page that is too long
    gone_on = wait_for("a later scheduled run going on", lambda: _held_at(stack, "TP2_00003800"))
    assert gone_on.record_key == "TP2_00003799"
    with stack.connect() as connection:
        resolved = connection.execute(
            "select status, resolved_by from crm_export.ExportErrors where record_key = 'TP2_00003600'"
        ).fetchone()
    assert resolved == ("resolved", "CRMExport")
    since = [run for run in stack.api.runs(EXPORT) if run["dag_run_id"] not in before]
    assert {run["run_type"] for run in since} <= {"scheduled"}, "somebody started a run"


def _held_at(stack: Stack, key: str) -> StreamSummary | None:
    found = summary(stack, "buyer_touchpoints")
    return found if found and found.held_key == key and found.held_since else None


def test_the_story_of_a_rejected_record_through_the_page(stack: Stack, visitor: Visitor) -> None:
    """Rejected, held, shown; acknowledged and off; continued; on again; fixed; the daily job; resolved."""
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


def test_the_daily_check_finds_a_late_row_between_scheduled_runs(stack: Stack) -> None:
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


@pytest.fixture
def idle(stack: Stack) -> None:
    """Pause the schedule, which no later test needs: its runs would take the processors from them."""
    stack.api.unpause(EXPORT, paused=True)


@pytest.mark.usefixtures("idle")
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


def test_the_command_line_has_the_connections_and_variables_of_the_stack(stack: Stack) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "local_stack", "crm", "plan", "campaigns"],
        cwd=ROOT, env=os.environ | {"CRM_EXPORT_STATE": str(stack.place.folder)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout.split(":")[0]) == (0, "campaigns"), done.stderr
    assert "is not set" not in done.stderr


def test_dags_test_runs_next_to_the_stack_with_its_variables(stack: Stack) -> None:
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


def test_no_secret_and_no_value_of_a_record_is_in_a_log_or_store_of_airflow(stack: Stack) -> None:
    values = (r"(contact|lead)\d+@example\.com", r"northwind\.example/landing")
    leaks.check_files(stack.place.airflow / "logs", *values)
    kept = " union all ".join(
        f"select '{table}', t::text from public.{table} t"
        for table in ("xcom", "rendered_task_instance_fields", "log", "asset_event", "dag_run")
    )
    with stack.connect("airflow") as connection:
        rows = connection.execute(kept).fetchall()
    assert {table for table, _ in rows} >= {"xcom", "log", "asset_event", "dag_run"}
    own = (stack.credentials.exporter, stack.credentials.airflow_database, stack.credentials.fernet_key)
    words = re.compile("|".join([*map(re.escape, [*leaks.SECRETS, *own]), *values]))
    assert [(table, text) for table, text in rows if words.search(text)] == []


def test_what_a_running_stack_keeps_cannot_be_forgotten(stack: Stack) -> None:
    environment = os.environ | {"CRM_EXPORT_STATE": str(stack.place.folder)}
    command = [sys.executable, "-m", "local_stack", "clean"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout.startswith(f"A stack is up here: {stack.api.url} (login admin")
    assert summary(stack, "campaigns") is not None


@pytest.mark.ux(13, 25)
def test_one_command_ends_with_the_table_and_leaves_nothing_running() -> None:
    ports = free_ports()
    with fresh_state() as state:
        done = subprocess.run(
            RUN, cwd=ROOT, env=environment_of(state, ports), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "campaigns is held at key=CMP_000025" in done.stdout
        assert "Everything is being stopped. make run WAIT=1" in done.stdout
        for offered in ("make story N=1", "make try", "in the browser"):
            assert offered not in done.stdout, "it would not work: everything is stopped"
        assert "password" in done.stdout
        check_table(done.stdout)
        assert are_free(ports)
        assert find_processes(state) == []


def check_table(output: str) -> None:
    """Check that a printed table is narrow and that each line adds up."""
    lines = output[output.index("the last run of each stream") :].partition(" is held at")[0].splitlines()
    assert max(map(len, lines)) <= 78
    numbers = [[int(word.replace(",", "")) for word in line.split() if word[0].isdigit()] for line in lines]
    rows = [found for found in numbers if len(found) == 5]
    assert len(rows) == len(load_streams()), output
    for changed, accepted, rejected, pending, unresolved in rows:
        assert changed == accepted + rejected + pending
        assert unresolved >= bool(rejected)


@pytest.mark.ux(2)
def test_ports_in_use_are_one_clear_message_that_names_them_all(stack: Stack) -> None:
    with fresh_state() as state:
        done = subprocess.run(
            RUN, cwd=ROOT, env=environment_of(state, stack.ports), capture_output=True, text=True, check=False
        )
    assert done.returncode == 1
    for port in filter(None, asdict(stack.ports).values()):
        assert f"{port} (" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    stack.check()


@pytest.mark.security("H1", "L3")
def test_what_a_stack_listens_at_is_reached_from_this_machine_only(stack: Stack) -> None:
    # a process that sets its title overwrites its environment, so that only its parents identify it
    family = psutil.Process().children(recursive=True)
    pids = {
        process.pid for process in [*psutil.process_iter(), *family] if process in family or _belongs(process, stack)
    }
    listening = [each for each in psutil.net_connections("inet") if each.status == "LISTEN" and each.pid in pids]
    assert {each.laddr.ip for each in listening} == {"127.0.0.1"}
    assert {each.laddr.port for each in listening} >= {stack.ports.ui, stack.ports.postgres}


def _belongs(process: psutil.Process, stack: Stack) -> bool:
    words = (str(stack.place.folder), str(stack.place.postgres))
    try:
        return any(word in text for text in (*process.cmdline(), *process.environ().values()) for word in words)
    except psutil.Error:
        return False


@pytest.mark.security("H1", "L3")
def test_what_a_stack_keeps_is_for_its_owner_alone(stack: Stack) -> None:
    for path in (stack.place.airflow, stack.place.sandbox, stack.place.logs, stack.place.postgres):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    secret = [stack.place.airflow / "passwords.json", stack.place.folder / "credentials.json"]
    for path in [*secret, stack.place.sandbox_ready, *stack.place.logs.glob("*.log")]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


@pytest.mark.security("H1")
def test_the_connection_of_the_product_is_not_a_superuser_and_the_admins_password_is_random(stack: Stack) -> None:
    with stack.connect() as connection:
        sessions = connection.execute(
            "select distinct usename from pg_stat_activity where datname in ('northwind', 'airflow')"
            " and pid <> pg_backend_pid()"
        ).fetchall()
    assert ("airflow",) in sessions
    assert set(sessions) <= {("airflow",), ("crm_export",)}
    guess = requests.post(f"{stack.api.url}/auth/token", json={"username": "admin", "password": "admin"}, timeout=30)
    assert guess.status_code == 401


@pytest.mark.ux(10)
@pytest.mark.parametrize("victim", ["Airflow", "The Salesforce sandbox", "Postgres"])
def test_the_end_of_a_process_is_noticed_and_everything_else_is_stopped(victim: str) -> None:
    with fresh_state() as state, start_run(state) as run:
        read_until(run, "sample domain is filled")
        os.killpg(wait_for("its process", lambda: _find_group(state, victim), 60), signal.SIGKILL)
        output, _ = run.communicate(timeout=120)
        assert run.returncode == 1
        assert f"{victim} has ended (killed by SIGKILL), so everything else is stopped." in output, output
        assert "Start it again: make run." in output
        assert "Traceback" not in output


def _find_group(state: Path, victim: str) -> int | None:
    words = {
        "Airflow": ("local_stack.processes.airflow", str(state)),
        "The Salesforce sandbox": ("salesforce_sandbox", str(state)),
        "Postgres": ("postgres -D", str(Place(state).postgres)),
    }[victim]
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            line = " ".join(process.cmdline())
            if all(word in line for word in words) and os.getpgid(process.pid) == process.pid:
                return process.pid
    return None

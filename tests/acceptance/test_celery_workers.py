"""Two Celery workers: one is killed or gets SIGTERM, the database restarts, and every record is written once."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import redis
import yaml

from local_stack.place import Place
from local_stack.processes.guardian import find_members
from local_stack.processes.redis import PROGRAM
from local_stack.stack import ORG, Stack
from running_stack import (
    free_ports,
    wait_for,
)

pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(1800),
]
EXPORT, OVERLAP, RECONCILE = "CRMExport", "CRMExport_overlap", "CRMExport_Reconcile"
NEVER = "0 0 1 1 *"
ROWS = 20_000
SLOW_ROWS = 3_000  # enough for Bulk jobs
LEASE_SECONDS = 120
STREAM = {
    "key": "id", "cursor": "changed_at", "external_id": "Key__c", "operation": "upsert",
    "fields": {"Key__c": "id", "Name": "name"},
}  # fmt: skip
BULK = {"bulk_from": 2_000, "bulk_from_paused": 2_000}
OVERLAPPING = {"group": "overlap", "schedule": "* * * * *"}
STREAMS: dict[str, dict[str, Any]] = {
    name: STREAM | {"source": f"app.{name}", "object": f"{name.title()}__c"} | more
    for name, more in {"many": BULK, "few": {}, "slow": BULK | OVERLAPPING, "quick": OVERLAPPING}.items()
}
OBJECT = {
    "fields": {
        "Key__c": {"type": "string", "length": 100, "external_id": True, "unique": True},
        "Name": {"type": "string", "length": 80},
    }
}


@pytest.fixture(scope="module")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """Return a stack with two workers of one slot each, and streams of tables that the tests fill."""
    if not request.config.getoption("whole"):
        pytest.skip("a quarter of an hour: make test-workers")
    skip_without_redis()
    with tempfile.TemporaryDirectory(prefix="crm-celery-", dir="/var/tmp") as folder:
        place, streams = Place(Path(folder) / "state"), Path(folder) / "streams"
        streams.mkdir()
        for name, content in STREAMS.items():
            (streams / f"{name}.yaml").write_text(yaml.safe_dump(content))
        org = Path(folder) / "org.yaml"
        org.write_text(yaml.safe_dump(make_org()))
        settings = {
            "CRM_EXPORT_STREAMS": str(streams),
            "CRM_EXPORT_SCHEDULE": NEVER,
            "CRM_EXPORT_ERROR_SCHEDULE": NEVER,
            "CRM_EXPORT_RECONCILE_SCHEDULE": NEVER,
            "AIRFLOW__CELERY__WORKER_CONCURRENCY": "1",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
        }
        with Stack(place, free_ports(redis=True), extra_environment=settings, workers=2, org=org) as running:
            with running.connect() as connection:
                make_tables(connection)
            session = find_supervisor(running).pid
            yield running
        assert find_members(session) == []
        subprocess.run(["rm", "-rf", str(place.postgres)], check=True)


def skip_without_redis() -> None:
    """Skip the test without Redis."""
    if not any((Path(folder) / PROGRAM).exists() for folder in os.environ.get("PATH", os.defpath).split(os.pathsep)):
        pytest.skip(f"{PROGRAM} is not installed (Debian: RUNLEVEL=1 apt-get install redis-server)")


def make_org() -> dict[str, Any]:
    """Return the sample's org, with an object for each stream."""
    org: dict[str, Any] = yaml.safe_load(ORG.read_text(encoding="utf-8"))
    org["objects"] |= {
        stream["object"]: {"prefix": f"x0{number}"} | OBJECT for number, stream in enumerate(STREAMS.values())
    }
    return org


def make_tables(connection: psycopg.Connection) -> None:
    connection.execute("create schema app; grant usage on schema app to crm_export")
    for name in STREAMS:
        connection.execute(
            f"create table app.{name} (id text primary key, name text, changed_at timestamptz not null);"
            f'create index on app.{name} (changed_at, id collate "C"); grant select on app.{name} to crm_export'
        )


def add_rows(stack: Stack, table: str, first: int, last: int) -> None:
    with stack.connect() as connection:
        connection.execute(
            f"insert into app.{table} select '{table}-' || lpad(n::text, 6, '0'), 'Name ' || n,"
            f" now() - interval '1 hour' + n * interval '1 ms' from generate_series({first}, {last}) n"
        )


def find_worker(stack: Stack, host: str) -> psutil.Process | None:
    """Return the process of `airflow celery worker` with a host name."""
    return find_component(stack, f"celery@{host}:MainProcess")  # celery sets its own process title


def find_component(stack: Stack, word: str) -> psutil.Process | None:
    """Return the component of Airflow with a word in its command line."""
    for process in find_supervisor(stack).children():
        with contextlib.suppress(psutil.Error):
            if any(word in each for each in process.cmdline()):
                return process
    return None


def find_supervisor(stack: Stack) -> psutil.Process:
    """Return the process that keeps Airflow's components running."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if {"local_stack.processes.airflow", str(stack.place.logs)} <= set(process.cmdline()):
                return process
    raise AssertionError("no supervisor")


@contextlib.contextmanager
def without_restarts(stack: Stack) -> Generator[None]:
    """Restart nothing until the end of the block, as if a machine were down for some time."""
    supervisor = find_supervisor(stack)
    supervisor.suspend()
    try:
        yield
    finally:
        supervisor.resume()


def ended(stack: Stack, dag_id: str, run_id: str, task: str) -> str | None:
    """Return the state of a task after it has ended."""
    state = stack.api.task_states(dag_id, run_id).get(task)
    return state if state in {"success", "failed", "skipped", "upstream_failed"} else None


def is_sending(stack: Stack, kind: str, state: str, rows: int = 0) -> bool:
    """Return whether a run of a kind has a batch of the stream `many` in a state, with more than so many rows."""
    with stack.connect() as connection:
        found = connection.execute(
            "select 1 from crm_export.ExportBatches b join crm_export.ExportRuns r on r.id = b.run"
            " where b.stream = 'many' and b.state = %s and r.kind = %s and b.row_count > %s",
            [state, kind, rows],
        ).fetchone()
    return found is not None


def read_records(stack: Stack, table: str) -> dict[str, str]:
    """Return the names of the records of a table's object, by their external ids."""
    records = [each["fields"] for each in stack.control.records(STREAMS[table]["object"])]
    return {fields["Key__c"]: fields["Name"] for fields in records}


def check_org(stack: Stack, table: str) -> None:
    """Check that the org has each row of a table, and that each version was written only once."""
    with stack.connect() as connection:
        source = dict(connection.execute(f"select id, name from app.{table}").fetchall())
    assert read_records(stack, table) == source
    writes = Counter((write["id"], write["fields"]["Name"]) for write in stack.control.writes(STREAMS[table]["object"]))
    assert set(writes.values()) == {1}


def test_a_worker_that_is_killed_in_the_middle_of_a_batch_is_continued_by_the_other(stack: Stack) -> None:
    add_rows(stack, "many", 1, ROWS)
    add_rows(stack, "few", 1, 200)
    stack.control.set_bulk(batch_rows=1_000, batch_delay_seconds=2.0)
    run_id = stack.api.trigger(EXPORT)
    wait_for("a large job", lambda: is_sending(stack, "export", "SENDING", 10_000), 300)
    hosts = stack.api.task_hosts(EXPORT, run_id)
    victim = hosts["many.export_changes"]
    with without_restarts(stack):
        worker = find_worker(stack, victim)
        assert worker is not None
        for process in (*worker.children(recursive=True), worker):
            process.kill()
        killed_at = time.monotonic()
        state = wait_for(
            "the end of the export", lambda: ended(stack, EXPORT, run_id, "many.export_changes"), LEASE_SECONDS + 60
        )
        took = time.monotonic() - killed_at
        after = stack.api.task_hosts(EXPORT, run_id)
    assert state == "success"
    assert took < LEASE_SECONDS + 60
    assert {victim, after["many.export_changes"]} == {"worker-1", "worker-2"}
    wait_for("the end of the run", lambda: stack.api.run_state(EXPORT, run_id) == "success")
    check_org(stack, "many")
    check_org(stack, "few")
    wait_for("the worker that was killed", lambda: find_worker(stack, victim))


def test_a_task_that_is_asked_to_end_ends_within_five_seconds_and_uses_up_no_retry(stack: Stack) -> None:
    with stack.connect() as connection:  # below the watermark, where only the daily check finds them
        connection.execute("update app.many set name = 'Late', changed_at = changed_at - interval '1 day'"
                           " where id <= 'many-002000'")  # fmt: skip
    stack.control.set_requests(automation_seconds={"Many__c": 0.02})
    run_id = stack.api.trigger(RECONCILE)
    task = wait_for("the task that sends late rows", lambda: find_task(stack, "export_late_rows"), 300)
    wait_for("a batch of late rows", lambda: is_sending(stack, "reconcile", "PLANNED"), 120)
    supervisor = task.parent()
    assert supervisor is not None
    supervisor.terminate()
    asked_at = time.monotonic()
    wait_for_end(task, 15)
    assert time.monotonic() - asked_at < 5
    stack.control.set_requests(automation_seconds={})
    state = wait_for("its next attempt", lambda: ended(stack, RECONCILE, run_id, "many.export_late_rows"), 300)
    assert state == "success"
    with stack.connect("airflow") as connection:
        tries = connection.execute(
            "select try_number from public.task_instance where run_id = %s and task_id = 'many.export_late_rows'",
            [run_id],
        ).fetchone()
    assert tries == (1,)
    names = {name for key, name in read_records(stack, "many").items() if key <= "many-002000"}
    assert names == {"Late"}


def find_task(stack: Stack, task_id: str) -> psutil.Process | None:
    """Return the process that runs a task: the child of a worker's slot."""
    with stack.connect("airflow") as connection:
        row = connection.execute(
            "select pid, hostname from public.task_instance where state = 'running' and task_id like %s",
            [f"many.{task_id}"],
        ).fetchone()
    return psutil.Process(row[0]) if row and row[0] else None


def wait_for_end(process: psutil.Process, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
        time.sleep(0.05)


def test_the_stack_survives_a_restart_of_the_database_and_the_end_of_its_scheduler(stack: Stack) -> None:
    before = find_component(stack, "scheduler")
    assert before is not None
    with stack.connect("airflow") as connection:
        victim = connection.execute(
            "select pid from pg_stat_activity where usename = 'airflow' order by backend_start limit 1"
        ).fetchone()
    assert victim is not None
    os.kill(victim[0], signal.SIGKILL)  # Postgres ends every session and recovers, as after a restart
    wait_for("the recovery of Postgres", lambda: has_recovered(stack), 60)
    with contextlib.suppress(psutil.NoSuchProcess):  # it may have ended when Postgres did
        before.kill()
    wait_for("a new scheduler", lambda: find_component(stack, "scheduler") not in {None, before}, 120)
    add_rows(stack, "few", 201, 210)
    run_id = wait_for("the API", lambda: try_to_trigger(stack), 120)
    wait_for("the end of a run", lambda: stack.api.run_state(EXPORT, run_id) == "success", 300)
    check_org(stack, "few")
    stack.check()


def has_recovered(stack: Stack) -> bool:
    with contextlib.suppress(psycopg.OperationalError), stack.connect() as connection:
        return connection.execute("select 1").fetchone() == (1,)
    return False


def try_to_trigger(stack: Stack) -> str | None:
    with contextlib.suppress(Exception):
        return stack.api.trigger(EXPORT)
    return None


def test_one_slow_stream_does_not_stop_the_others_and_the_grid_says_so(stack: Stack) -> None:
    """The job of `slow` takes ten minutes of Salesforce's pace, here four: more than two schedules."""
    stack.control.set_bulk(batch_rows=1_000, batch_delay_seconds=0.0, delay_seconds=240.0)
    before = max(call["n"] for call in stack.control.requests())
    add_rows(stack, "slow", 1, SLOW_ROWS)
    add_rows(stack, "quick", 1, 10)
    stack.api.wait_for_dag(OVERLAP, 120)
    stack.api.unpause(OVERLAP)
    first, second, third = wait_for("three scheduled runs", lambda: watch_runs(stack), 600)
    state = wait_for("the end of the slow stream", lambda: ended(stack, OVERLAP, first, "slow.export_changes"), 400)
    stack.api.unpause(OVERLAP, paused=True)  # not earlier: Airflow queues no task of a paused DAG, deferred or not
    assert state == "success"
    for run_id in (second, third):
        states = stack.api.task_states(OVERLAP, run_id)
        assert (states["slow.export_changes"], states["quick.export_changes"]) == ("skipped", "success")
        assert states["quick.pause_on_export_errors"] == "success"
        log = stack.api.task_log(OVERLAP, run_id, "slow.export_changes")
        assert f"Run {first} of {OVERLAP} has been exporting this stream since " in log
    with stack.connect() as connection:
        sent = connection.execute(
            "select run_id, accepted from crm_export.ExportRuns where stream = 'quick' and accepted > 0 order by id"
        ).fetchall()
        loaded = connection.execute("select sum(accepted) from crm_export.ExportRuns where stream = 'slow'").fetchone()
    assert sent == [(first, 10), (second, 10), (third, 10)]
    assert loaded == (SLOW_ROWS,)
    check_org(stack, "slow")
    check_org(stack, "quick")
    calls = stack.control.requests(since=before)
    assert len([call for call in calls if call["method"] == "PUT" and "jobs/ingest" in call["path"]]) == 1


def watch_runs(stack: Stack) -> list[str] | None:
    """Return the first three scheduled runs once `quick` has ended in each; it has new rows for each of them."""
    runs = sorted(run["dag_run_id"] for run in stack.api.runs(OVERLAP) if run["run_type"] == "scheduled")
    done = [run for run in runs if ended(stack, OVERLAP, run, "quick.export_changes")]
    with stack.connect() as connection:
        row = connection.execute("select count(*) from app.quick").fetchone()
    assert row is not None
    if done and row[0] == 10 * len(done) and len(done) < 3:
        add_rows(stack, "quick", row[0] + 1, row[0] + 10)
    return done[:3] if len(done) >= 3 else None


def test_redis_is_reached_from_this_machine_only_and_with_its_password(stack: Stack) -> None:
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=stack.ports.redis).ping()
    client = redis.Redis(port=stack.ports.redis, password=stack.credentials.redis)
    assert client.ping()
    with pytest.raises(redis.ResponseError):
        client.config_set("dir", "/tmp")
    client.close()
    listening = [each for each in psutil.net_connections("inet") if each.status == "LISTEN"]
    assert {each.laddr.ip for each in listening if each.laddr.port == stack.ports.redis} == {"127.0.0.1"}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            assert stack.credentials.redis not in " ".join(process.cmdline())
    for path in [*stack.place.redis.rglob("*"), *stack.place.logs.glob("airflow-*.log")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path

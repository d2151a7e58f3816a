"""Waiting for a Bulk job: which process waits, and the longest wait."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar

import pytest
from airflow.sdk import Context
from airflow.sdk.bases.operator import TriggerFailureReason
from airflow.sdk.exceptions import TaskDeferralError, TaskDeferred

from crm_export.operators.export import ExportChangesOperator
from crm_export.operators.triggers import GRACE_SECONDS, JobOverTrigger, is_triggerer_running
from include.export.streams import Stream
from local_stack.postgres import find_free_port
from salesforce_sandbox.control import Control
from salesforce_sandbox.process import RunningSandbox

pytestmark = pytest.mark.filterwarnings("default")  # Airflow's own
_STREAM: dict[str, Any] = {
    "name": "accounts", "source": "app.accounts", "key": "id", "cursor": "changed_at", "object": "Account",
    "external_id": "Ext__c", "operation": "upsert", "fields": {"Ext__c": "ext", "Name": "name"},
}  # fmt: skip


class Health(BaseHTTPRequestHandler):
    """Answers like Airflow's API server."""

    bodies: ClassVar[dict[str, str]] = {}

    def do_GET(self) -> None:
        body = self.bodies.get(self.path, "not found").encode()
        self.send_response(200 if self.path in self.bodies else 404)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def api_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    server = HTTPServer(("127.0.0.1", 0), Health)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/af/execution/"
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTION_API_SERVER_URL", address)
    Health.bodies.clear()
    yield Health.bodies
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("status", "running"), [("healthy", True), ("unhealthy", False), (None, False)])
def test_a_triggerer_is_found_by_the_health_of_the_api_server(
    api_server: dict[str, str], status: str | None, running: bool
) -> None:
    api_server["/af/api/v2/monitor/health"] = json.dumps({"triggerer": {"status": status}})
    assert is_triggerer_running() is running


def test_an_api_server_that_cannot_be_asked_means_that_the_worker_waits(
    api_server: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not is_triggerer_running()
    api_server["/af/api/v2/monitor/health"] = "[]"
    assert not is_triggerer_running()
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTION_API_SERVER_URL", f"http://127.0.0.1:{find_free_port()}/execution/")
    assert not is_triggerer_running()


@pytest.fixture
def endless_job(sandbox: Control, sandbox_server: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> Control:
    """Return the control of a sandbox whose jobs are in progress for ever."""
    keys = {"consumer_key": "sandbox-key", "consumer_secret": "sandbox-secret"}
    extra = keys | {"domain": f"{sandbox_server.https_host}/services/oauth2/token#"}
    monkeypatch.setenv("AIRFLOW_CONN_SALESFORCE_DEFAULT", json.dumps({"conn_type": "salesforce", "extra": extra}))
    in_work = {"status": 200, "body": json.dumps({"id": "750x", "state": "InProgress"})}
    sandbox.add_fault(match={"path_regex": "jobs/ingest"}, answer=in_work)
    return sandbox


def test_a_job_that_never_ends_is_handed_back_to_its_task(
    endless_job: Control,
) -> None:
    async def wait() -> object:
        trigger = JobOverTrigger("750000000000001AAA", poll_seconds=0.1, longest_wait=3.0)
        kept = JobOverTrigger(**trigger.serialize()[1])
        return (await anext(kept.run())).payload

    assert asyncio.run(wait()) == {"job_id": "750000000000001AAA"}
    assert len([call for call in endless_job.requests() if "jobs/ingest" in call["path"]]) > 1


def test_a_triggerer_that_is_restarted_waits_no_longer_than_before(endless_job: Control) -> None:
    trigger = JobOverTrigger("750000000000001AAA", poll_seconds=0.1, longest_wait=0.3)
    time.sleep(0.4)  # while no triggerer is running
    kept = JobOverTrigger(**trigger.serialize()[1])

    async def wait() -> object:
        return (await anext(kept.run())).payload

    assert asyncio.run(wait()) == {"job_id": "750000000000001AAA"}
    assert [call for call in endless_job.requests() if "jobs/ingest" in call["path"]] == []


@pytest.mark.parametrize(("job_timeout", "longest_wait"), [("10m", 600), ("12h", 3600)])
def test_a_deferred_task_is_resumed_when_its_triggerer_is_gone(job_timeout: str, longest_wait: float) -> None:
    stream = Stream(**_STREAM, job_timeout=job_timeout)
    task = ExportChangesOperator(task_id="export_changes", stream=stream)
    with pytest.raises(TaskDeferred) as deferred:
        task._leave_to_triggerer("750000000000001AAA")
    assert deferred.value.timeout == timedelta(seconds=longest_wait + GRACE_SECONDS)
    assert deferred.value.trigger.serialize()[1]["longest_wait"] == longest_wait

    class Resumed(ExportChangesOperator):
        def go_on(self, context: Any, event: Any = None) -> str:
            return "gone on"

    gone_on = Resumed(task_id="resumed", stream=stream)
    timed_out = {"error": TriggerFailureReason.TRIGGER_TIMEOUT}
    assert gone_on.resume_execution("__fail__", timed_out, Context()) == "gone on"
    with pytest.raises(TaskDeferralError):
        gone_on.resume_execution("__fail__", {"error": "Trigger failure"}, Context())

"""Waiting for a Bulk job without a worker."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

import requests
from airflow.sdk.configuration import conf
from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from crm_export.connections import SALESFORCE, make_salesforce_client
from include.export.failures import RunFailure
from include.export.salesforce import SalesforceClient, is_job_over

log = logging.getLogger(__name__)
LONGEST_WAIT_SECONDS = 3600.0  # after which the task checks the job and its timeout itself
HEALTH_TIMEOUT_SECONDS = 5.0
GRACE_SECONDS = 600.0  # Airflow resumes a deferred task this long after its trigger should have fired


def is_triggerer_running() -> bool:
    """Return whether Airflow's API server reports a live triggerer; False when the server does not answer."""
    base = str(conf.get("core", "execution_api_server_url", fallback="") or "")
    base = base.rstrip("/").removesuffix("/execution") or str(conf.get("api", "base_url", fallback="") or "")
    try:
        answer = requests.get(f"{base.rstrip('/')}/api/v2/monitor/health", timeout=HEALTH_TIMEOUT_SECONDS)
        status = answer.json()["triggerer"]["status"]
    except (requests.RequestException, ValueError, KeyError, TypeError):
        log.info("Airflow's API server at %s does not report whether a triggerer is running.", base or "no address")
        return False
    return bool(status == "healthy")


class JobOverTrigger(BaseTrigger):
    """Fires when a Bulk job has finished, when reading it fails for good, or at a deadline.

    Its event holds only the job's id; the resumed task reads the outcome. The deadline is `until` (seconds since the
    epoch), by default `longest_wait` seconds from now; a restarted triggerer keeps it.
    """

    def __init__(
        self,
        job_id: str,
        poll_seconds: float,
        longest_wait: float = LONGEST_WAIT_SECONDS,
        connection: str = SALESFORCE,
        until: float | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # Airflow's own is not typed
        self.job_id, self.poll_seconds, self.longest_wait = job_id, poll_seconds, longest_wait
        self.connection = connection
        self.until = time.time() + longest_wait if until is None else until

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what Airflow keeps of the trigger."""
        kept = {
            "job_id": self.job_id,
            "poll_seconds": self.poll_seconds,
            "longest_wait": self.longest_wait,
            "connection": self.connection,
            "until": self.until,
        }
        return "crm_export.operators.triggers.JobOverTrigger", kept

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll the job."""
        client = make_salesforce_client(self.connection)
        while time.time() < self.until and not await self._is_over(client):
            await asyncio.sleep(self.poll_seconds)
        yield TriggerEvent({"job_id": self.job_id})  # type: ignore[no-untyped-call] # same

    async def _is_over(self, client: SalesforceClient) -> bool:
        try:
            # Airflow's connections can be read only in the thread of sync_to_async
            return await sync_to_async(is_job_over)(client, self.job_id)
        except RunFailure as failure:
            self.log.warning("Bulk job %s cannot be read: %s", self.job_id, failure)
            return not failure.retriable

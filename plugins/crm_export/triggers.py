"""Waiting for a Bulk job without a worker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from crm_export.connections import make_salesforce_client
from include.export.failures import RunFailure
from include.export.salesforce import SalesforceClient, is_job_over


class JobOverTrigger(BaseTrigger):
    """Fires when a Bulk job is over, or cannot be looked at for a reason that waiting does not change.

    It carries the job's id only. What became of the job is read by the task that goes on.
    """

    def __init__(self, job_id: str, poll_seconds: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # Airflow's own is not typed
        self.job_id, self.poll_seconds = job_id, poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what Airflow keeps of the trigger."""
        return "crm_export.triggers.JobOverTrigger", {"job_id": self.job_id, "poll_seconds": self.poll_seconds}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look at the job now and then."""
        client = make_salesforce_client()
        while not await self._is_over(client):
            await asyncio.sleep(self.poll_seconds)
        yield TriggerEvent({"job_id": self.job_id})  # type: ignore[no-untyped-call] # same

    async def _is_over(self, client: SalesforceClient) -> bool:
        try:
            # Airflow's connections are read in the thread that sync_to_async knows
            return await sync_to_async(is_job_over)(client, self.job_id)
        except RunFailure as failure:
            self.log.warning("Bulk job %s cannot be looked at: %s", self.job_id, failure)
            return not failure.retriable

"""The calls of Bulk API 2.0 ingest: one job for one upload (docs/salesforce-behaviour.md#bulk-jobs)."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from include.export.failures import ConfigurationFailure, NotFound, QuotaFailure, RunFailure, SalesforceFailure
from include.export.salesforce.client import SalesforceClient
from include.export.salesforce.error_catalogue import FailureKind, load_catalogue
from include.export.salesforce.http_errors import RequestRejected, read_list
from include.export.salesforce.write_options import write_headers
from include.export.streams import Stream, write_duration

log = logging.getLogger(__name__)
TERMINAL = frozenset({"JobComplete", "Failed", "Aborted"})
TIMED_OUT = "TimedOut"  # our own state: a job that was aborted after job_timeout
CLOCKS_APART = timedelta(minutes=5)  # the most that the clocks of Salesforce and the database may differ
RESULTS = {"rejected": "failedResults", "accepted": "successfulResults", "unprocessed": "unprocessedrecords"}


@dataclass(frozen=True)
class JobState:
    """A job as Salesforce reports it; `processed` includes `failed`."""

    id: str
    state: str
    processed: int
    failed: int
    message: str

    @property
    def is_over(self) -> bool:
        """Return whether the job has finished."""
        return self.state in TERMINAL


@dataclass(frozen=True)
class IngestJobs:
    """The Bulk jobs of a stream's object. No call is repeated where that could send rows twice."""

    stream: Stream
    client: SalesforceClient

    def create(self, action: str, planned_at: str, known: Collection[str]) -> str:
        """Create a job and return its id. An unanswered attempt may have created a job too, which is then aborted.

        `action` is upsert, update or delete, `planned_at` the time of the ledger's line, `known` the ledger's job ids.
        """
        wanted = {"object": self.stream.object, "operation": action, "contentType": "CSV", "lineEnding": "LF"}
        if action == "upsert":
            wanted["externalIdFieldName"] = self.stream.external_id
        if isinstance(self.stream.assignment_rule, str):
            wanted["assignmentRuleId"] = self.stream.assignment_rule
        for delay in (*self.client.repeat_delays, None):
            try:
                return _read_id(self._call("POST", "jobs/ingest", wanted))
            except SalesforceFailure:
                self.abort_orphans(action, planned_at, known)
                if delay is None:
                    raise
                time.sleep(delay)
        raise AssertionError("the last delay is None")

    def upload(self, job_id: str, open_body: Callable[[], Iterator[bytes]]) -> None:
        """Upload the rows of a job; raises Unanswered when it is unknown whether Salesforce has them."""
        self.client.upload(f"jobs/ingest/{job_id}/batches", open_body)

    def complete_upload(self, job_id: str) -> None:
        """Close the upload, so that Salesforce processes the job; after a lost answer the job's state is read."""
        self._change(job_id, "UploadComplete", reached=lambda state: state.state != "Open")

    def abort(self, job_id: str) -> None:
        """Abort a job, which then processes nothing more. A job that is gone or has finished is left alone."""
        try:
            self._change(job_id, "Aborted", reached=lambda state: state.is_over)
        except NotFound:
            log.info("Job %s no longer exists", job_id)

    def read(self, job_id: str) -> JobState | None:
        """Return the state of a job, None when Salesforce does not have it."""
        try:
            body = self._call("GET", f"jobs/ingest/{job_id}")
        except NotFound:
            return None
        return _read_state(body)

    def open_results(self, job_id: str, kind: str) -> AbstractContextManager[Iterator[bytes]]:
        """Open a result file of a finished job: rejected, accepted or unprocessed."""
        return self.client.download(f"jobs/ingest/{job_id}/{RESULTS[kind]}")

    def abort_orphans(self, action: str, planned_at: str, known: Collection[str]) -> int:
        """Abort this user's Open jobs for the object, created since `planned_at` and not `known`; return how many."""
        resources = self._call("GET", "")
        user = str((isinstance(resources, dict) and resources.get("identity")) or "").rsplit("/", 1)[-1][:15]
        if not user:
            raise SalesforceFailure("Salesforce does not name the user of this session (`identity`).")
        since = datetime.fromisoformat(planned_at) - CLOCKS_APART
        orphans = [
            job["id"]
            for job in read_list(self._call("GET", "jobs/ingest?jobType=V2Ingest"), "records", "GET jobs/ingest")
            if job["state"] == "Open" and job["object"].lower() == self.stream.object.lower()
            and job["operation"] == action and str(job["createdById"]).startswith(user)
            and job["id"] not in known and datetime.strptime(job["createdDate"], "%Y-%m-%dT%H:%M:%S.%f%z") >= since
        ]  # fmt: skip
        for job_id in orphans:
            log.info("Job %s was created by an unanswered call; it is aborted", job_id)
            self.abort(job_id)
        return len(orphans)

    def _change(self, job_id: str, state: str, reached: Callable[[JobState], bool]) -> None:
        for delay in (*self.client.repeat_delays, None):
            try:
                if _read_state(self._call("PATCH", f"jobs/ingest/{job_id}", {"state": state})).state != "Open":
                    return
                raise SalesforceFailure(f"Salesforce answered that Bulk job {job_id} is still Open.")
            except NotFound:
                raise
            except (SalesforceFailure, ConfigurationFailure) as failure:
                found = self.read(job_id)
                if found is None:
                    raise NotFound(f"Bulk job {job_id} no longer exists in Salesforce.") from None
                if reached(found):
                    return
                if delay is None or isinstance(failure, ConfigurationFailure):
                    raise
                time.sleep(delay)

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        text = json.dumps(body) if body is not None else None
        try:
            headers = write_headers(self.stream) if method != "GET" else None
            return self.client.call(method, path, text, repeatable=method == "GET", headers=headers).body
        except RequestRejected as rejected:
            raise ConfigurationFailure(
                f"Stream {self.stream.name}: Salesforce rejected a Bulk job for {self.stream.object} ({rejected}). "
                f"Correct object, external_id or fields in {self.stream.name}.yaml."
            ) from None


def is_job_over(client: SalesforceClient, job_id: str) -> bool:
    """Return whether a job has finished or no longer exists; raises RunFailure."""
    try:
        return _read_state(client.call("GET", f"jobs/ingest/{job_id}").body).is_over
    except NotFound:
        return True


def _read_id(body: Any) -> str:
    found = str(body.get("id", "")) if isinstance(body, dict) else ""
    if not re.fullmatch(r"750[A-Za-z0-9]{12,15}", found):
        raise SalesforceFailure("Salesforce created a Bulk job and answered without its id.")
    return found


def _read_state(body: Any) -> JobState:
    try:
        return JobState(
            str(body["id"]),
            str(body["state"]),
            int(body.get("numberRecordsProcessed") or 0),
            int(body.get("numberRecordsFailed") or 0),
            str(body.get("errorMessage") or ""),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise SalesforceFailure("Salesforce reported the state of a Bulk job in an undocumented form.") from None


def _code_of(message: str) -> str:
    """Return the code at the start of a job's message, such as `InvalidBatch : Field name not found`."""
    return message.partition(":")[0].strip().upper()


def explain_job_failure(stream: Stream, state: JobState) -> RunFailure:
    """Return the failure for a job that did not complete (docs/salesforce-behaviour.md#states-of-a-job)."""
    detail = load_catalogue().redact(_code_of(state.message), state.message)[:300] or "no message"
    if state.state == TIMED_OUT:
        return SalesforceFailure(
            f"Stream {stream.name}: Salesforce did not finish Bulk job {state.id} within job_timeout "
            f"({write_duration(stream.job_timeout)}), so it was aborted. The rows it had processed are settled; the "
            "next attempt sends the rest again. Check the org's queue (Setup > Bulk Data Load Jobs), or raise "
            f"job_timeout in {stream.name}.yaml."
        )
    if state.state == "Aborted":
        return SalesforceFailure(
            f"Stream {stream.name}: somebody aborted Bulk job {state.id} in Salesforce. The rows it had processed are "
            "settled; the next attempt sends the rest again."
        )
    verdict = load_catalogue().classify(_code_of(state.message), state.message)
    if verdict.failure in {FailureKind.CONFIGURATION, FailureKind.QUOTA}:
        kind = QuotaFailure if verdict.failure is FailureKind.QUOTA else ConfigurationFailure
        return kind(
            f"Stream {stream.name}: Salesforce failed Bulk job {state.id} as a whole: {detail}. No record is to blame. "
            f"{verdict.advice}"
        )
    return SalesforceFailure(
        f"Stream {stream.name}: Salesforce gave up on Bulk job {state.id}: {detail}. The rows it had processed are "
        "settled; the next attempt sends the rest again."
    )

"""Jobs of Bulk API 2.0: their requests, states and descriptions."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from salesforce_sandbox import assumptions
from salesforce_sandbox.org.org import LoggedRequest
from salesforce_sandbox.records.record_ids import make_id, normalise_id
from salesforce_sandbox.records.rejections import RequestRejected

DELIMITERS = {"COMMA": ",", "BACKQUOTE": "`", "CARET": "^", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
_numbers = itertools.count(1)


class JobState(StrEnum):
    """The states of a job."""

    OPEN = "Open"
    UPLOAD_COMPLETE = "UploadComplete"
    IN_PROGRESS = "InProgress"
    JOB_COMPLETE = "JobComplete"
    FAILED = "Failed"
    ABORTED = "Aborted"


FINISHED = frozenset({JobState.JOB_COMPLETE, JobState.FAILED, JobState.ABORTED})


class ResultFile(StrEnum):
    """The result files of a job."""

    SUCCESSFUL = "successfulResults"
    FAILED = "failedResults"
    UNPROCESSED = "unprocessedRecords"


@dataclass(frozen=True)
class JobRequest:
    """What the creator of a job asked for."""

    object: str
    operation: str
    external_id_field: str | None
    delimiter: str
    line_ending: str
    version: str
    assignment_rule_id: str | None = None


@dataclass
class Job:
    """A job. Its files are the upload, and parts of result files in the order in which they are served.

    In the history its writes belong to the request that closed it.
    """

    asked: JobRequest
    folder: Path
    id: str
    created_by: str = ""
    closed_by: LoggedRequest | None = None
    state: JobState = JobState.OPEN
    header: str = ""
    processed: int = 0
    failed: int = 0
    retries: int = 0
    batches: int = 0
    uploads: int = 0
    error_message: str | None = None
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    milliseconds: int = 0
    parts: dict[ResultFile, list[Path]] = field(default_factory=lambda: {each: [] for each in ResultFile})
    stop: threading.Event = field(default_factory=threading.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def upload(self) -> Path:
        """Return the file of the uploaded data."""
        return self.folder / "upload.csv"

    def describe(self) -> dict[str, Any]:
        """Return the short form, the answer to PATCH."""
        asked = self.asked
        created = self.created.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
        body: dict[str, Any] = {
            "id": self.id,
            "operation": asked.operation,
            "object": asked.object,
            "createdById": self.created_by,
            "createdDate": created,
            "systemModstamp": created,
            "state": self.state.value,
        }
        if asked.external_id_field:
            body["externalIdFieldName"] = asked.external_id_field
        if asked.assignment_rule_id:
            body["assignmentRuleId"] = asked.assignment_rule_id
        return body | {"concurrencyMode": "Parallel", "contentType": "CSV", "apiVersion": float(asked.version)}

    def describe_created(self) -> dict[str, Any]:
        """Return the answer to creating a job."""
        body = self.describe()
        if self.state is JobState.OPEN:
            body["contentUrl"] = f"services/data/v{self.asked.version}/jobs/ingest/{self.id}/batches"
        return body | {"lineEnding": self.asked.line_ending, "columnDelimiter": self.asked.delimiter}

    def describe_listed(self) -> dict[str, Any]:
        """Return the entry in the list of jobs, which has no counters."""
        body = self.describe() | {"jobType": "V2Ingest"}
        body.pop("externalIdFieldName", None)
        return body | {"lineEnding": self.asked.line_ending, "columnDelimiter": self.asked.delimiter}

    def describe_all(self) -> dict[str, Any]:
        """Return the full form, the answer to GET."""
        body = self.describe_created() | {"jobType": "V2Ingest"}
        if self.state not in {JobState.OPEN, JobState.UPLOAD_COMPLETE}:
            body |= {"numberRecordsProcessed": self.processed, "numberRecordsFailed": self.failed}
        body |= {
            "retries": self.retries,
            "totalProcessingTime": self.milliseconds,
            "apiActiveProcessingTime": self.milliseconds,
            "apexProcessingTime": 0,
        }
        if float(self.asked.version) >= 61:
            body["isPkChunkingSupported"] = False
        return body | ({"errorMessage": self.error_message} if self.error_message else {})


class Jobs:
    """The jobs of an org; they live as long as the process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.all: dict[str, Job] = {}

    def create(self, asked: JobRequest, created_by: str) -> Job:
        """Create a job of a user."""
        job_id = make_id("750", next(_numbers))
        folder = self._folder / job_id
        folder.mkdir(parents=True, exist_ok=True)
        self.all[job_id] = Job(asked, folder, job_id, created_by)
        return self.all[job_id]

    def get(self, given: str) -> Job:
        """Return a job by its id of 15 or 18 characters; raises RequestRejected (404)."""
        job = self.all.get(normalise_id(given) or "")
        if job is None:
            raise RequestRejected(404, "NOT_FOUND", "The requested resource does not exist")
        return job

    def forget(self, job: Job) -> None:
        """Delete a job and its files, including those of a broken upload."""
        del self.all[job.id]
        shutil.rmtree(job.folder)

    def clear(self) -> None:
        """Stop and delete every job."""
        for job in list(self.all.values()):
            job.stop.set()
            if job.state in {JobState.OPEN, *FINISHED}:
                self.forget(job)
            else:
                del self.all[job.id]


def reject_state(body: str) -> RequestRejected:
    """Return the rejection of a call that a job's state does not allow."""
    return RequestRejected(*assumptions.WRONG_JOB_STATE, body)

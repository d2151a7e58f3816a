"""The Bulk 2.0 jobs of the small Salesforce: a history decides when it saves their rows, one by one, in any order."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from histories.org_model import BODY, EXTERNAL_ID, OBJECT, OrgModel, Status

OVER = ("JobComplete", "Failed", "Aborted")
USER = "005000000000001AAA"
_HEADS = {"failedResults": ["sf__Id", "sf__Error"], "successfulResults": ["sf__Id", "sf__Created"]}
Line = list[str]


@dataclass
class Job:
    """A job and the results of its rows."""

    id: str
    created: str
    state: str = "Open"
    rows: list[Line] | None = None
    uploads: int = 0
    left: list[Line] = field(default_factory=list)
    results: dict[str, list[Line]] = field(default_factory=lambda: {"failedResults": [], "successfulResults": []})
    message: str = ""

    @property
    def is_at_work(self) -> bool:
        """Return whether Salesforce may still save rows of the job."""
        return self.state in {"UploadComplete", "InProgress"}

    def describe(self) -> dict[str, Any]:
        """Return the job as Salesforce reports it."""
        body = {
            "id": self.id, "object": OBJECT, "operation": "upsert", "state": self.state, "createdById": USER,
            "createdDate": self.created, "jobType": "V2Ingest", "apiVersion": 59.0,
        }  # fmt: skip
        if self.state in {"Open", "UploadComplete"}:
            return body
        failed = len(self.results["failedResults"])
        body |= {"numberRecordsProcessed": failed + len(self.results["successfulResults"])}
        return body | {"numberRecordsFailed": failed} | ({"errorMessage": self.message} if self.message else {})


class JobModel:
    """The jobs of an org."""

    def __init__(self, org: OrgModel, chance: random.Random) -> None:
        self.org, self.chance = org, chance
        self.jobs: dict[str, Job] = {}

    def handle(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """Answer a call below jobs/ingest: its status, and JSON or the text of a result file."""
        job_id, _, file = path.partition("/")
        if not job_id:
            return (200, self._create().describe()) if method == "POST" else (200, self._list())
        job = self.jobs.get(job_id)
        if job is None:
            return 404, [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]
        if method == "PUT":
            return self._upload(job, body)
        if method == "PATCH":
            return self._change(job, body["state"])
        return (200, self._results(job, file)) if file else (200, job.describe())

    def progress(self, job: Job, rows: int) -> None:
        """Save some rows of a job, in any order; a job without rows left is complete."""
        job.state = "InProgress"
        for _ in range(min(rows, len(job.left))):
            self._save(job, job.left.pop(self.chance.randrange(len(job.left))))
        if not job.left:
            job.state = "JobComplete"

    def fail(self, job: Job) -> None:
        """Let Salesforce fail a job; rows that it has not saved stay unprocessed."""
        job.state, job.message = "Failed", "InternalServerError : The server is not well"

    def at_work(self) -> list[Job]:
        """Return the jobs that may still save rows."""
        return [job for job in self.jobs.values() if job.is_at_work]

    def _create(self) -> Job:
        job_id = f"750{len(self.jobs) + 1:012d}AAA"
        self.jobs[job_id] = Job(job_id, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000"))
        return self.jobs[job_id]

    def _list(self) -> dict[str, Any]:
        return {"done": True, "records": [job.describe() for job in self.jobs.values()], "nextRecordsUrl": None}

    def _upload(self, job: Job, body: str) -> tuple[int, Any]:
        if job.state != "Open":
            return _reject("INVALIDJOBSTATE", f"Job is not open: {job.state}")
        job.uploads += 1  # a second upload is accepted, but then the job cannot be completed
        header, *job.rows = csv.reader(io.StringIO(body, newline=""))
        assert header == [EXTERNAL_ID, BODY]
        job.left = list(job.rows)
        return 201, None

    def _change(self, job: Job, wanted: str) -> tuple[int, Any]:
        if wanted == "Aborted":
            if job.state in OVER:
                return _reject("INVALIDJOBSTATE", "Aborting already Completed Job not allowed")
            job.state = "Aborted"
        else:
            if job.state != "Open":
                return _reject("INVALIDJOBSTATE", f"Job state cannot be changed from {job.state} to {wanted}")
            if job.uploads > 1:
                return _reject("INVALIDJOB", f"Found multipe contents for job: <{job.id}>")
            job.state = "UploadComplete"
        return 200, job.describe()

    def _save(self, job: Job, row: Line) -> None:
        external_id, body = row
        status = self.org.judge(body)
        if status:
            self.org.rejected(body, status)
            job.results["failedResults"].append(["", _write_error(status), *row])
            return
        record_id, created = self.org.save(external_id.lower(), external_id, body)
        job.results["successfulResults"].append([record_id, "true" if created else "false", *row])

    def _results(self, job: Job, file: str) -> str:
        lines = job.results[file] if file in _HEADS else list(job.left)
        self.chance.shuffle(lines)
        return _write_csv([[*_HEADS.get(file, []), EXTERNAL_ID, BODY], *lines])


def _write_error(status: Status) -> str:
    fields = f"{','.join(status['fields'])} " if status["fields"] else ""
    return f"{status['statusCode']}:{status['message']}:{fields}--"


def _write_csv(lines: Sequence[Line]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(lines)
    return text.getvalue()


def _reject(code: str, message: str) -> tuple[int, Any]:
    return 400, [{"errorCode": code, "message": message}]

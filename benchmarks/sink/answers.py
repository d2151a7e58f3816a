"""The sink's answers: login, describe, limits, Collections, Bulk API 2.0 ingest and Bulk API v1."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.sink.calls import Call
from benchmarks.sink.org import MESSAGE, REJECTION, Job
from benchmarks.sink.uploads import Upload

JSON, CSV = "application/json;charset=UTF-8", "text/csv"
LIMITS = ("DailyApiRequests", "DailyBulkApiBatches", "DailyBulkV2QueryJobs", "DataStorageMB", "FileStorageMB")
TYPES = {
    "Active__c": "boolean", "Score__c": "double", "Amount__c": "currency", "Visits__c": "int", "Since__c": "date",
    "Seen__c": "datetime",
}  # fmt: skip
FIELDS = (
    "Key__c", "Name", "Email__c", "City__c", "Country__c", *TYPES, "Channel__c", "Medium__c", "Source__c",
    "Landing_Page__c", "Referrer__c", "Campaign__c", "Keyword__c", "Notes__c", "Reject__c",
)  # fmt: skip


@dataclass
class Reply:
    """An answer: JSON, or a text in blocks."""

    status: int = 200
    body: Any = None
    parts: Iterable[bytes] | None = None
    kind: str = JSON


def control(call: Call) -> Reply:
    """Return what arrived."""
    rows = sum(job.upload.rows for job in call.org.jobs.values() if job.upload)
    return Reply(body={"calls": call.org.calls, "jobs": len(call.org.jobs), "uploaded": rows})


def reset(call: Call) -> Reply:
    """Discard everything that arrived, and set `rejected`, `latency`, `distinct` and `pace`."""
    asked = call.json()
    latency, pace = float(asked["latency"]), float(asked["pace"])
    call.org.reset(tuple(asked["rejected"]), latency, pace, distinct=asked["distinct"])
    return Reply()


def log_in(call: Call) -> Reply:
    """Answer any OAuth grant with a token."""
    call.read()
    body = {"access_token": "00Dxx0000001gPL!AQ8.benchmarks", "instance_url": call.address, "token_type": "Bearer"}
    return Reply(body=body | {"id": f"{call.address}/id/00Dxx0000001gPLEAY/005000000000001AAA", "scope": "api"})


def describe(call: Call) -> Reply:
    """Describe any object as the benchmarks' object."""
    fields: list[dict[str, Any]] = [
        {
            "name": name, "label": name, "type": TYPES.get(name, "string"), "length": 32_000, "nillable": True,
            "createable": True, "updateable": True, "externalId": name == "Key__c", "idLookup": name == "Key__c",
            "unique": name == "Key__c", "caseSensitive": name == "Key__c", "calculated": False, "custom": True,
            "defaultedOnCreate": False, "referenceTo": [], "relationshipName": None, "picklistValues": [],
            "restrictedPicklist": False, "precision": 18, "scale": 2, "digits": 0, "polymorphicForeignKey": False,
        }
        for name in FIELDS
    ]  # fmt: skip
    rights = dict.fromkeys(("createable", "updateable", "deletable", "queryable"), True)
    return Reply(body={"name": call.words[0], "label": call.words[0], "keyPrefix": "a0R", "fields": fields} | rights)


def resources(call: Call) -> Reply:
    """Return the logged-in user."""
    return Reply(body={"identity": f"{call.address}/id/00Dxx0000001gPLEAY/005000000000001AAA"})


def limits(call: Call) -> Reply:
    """Return limits that are never reached."""
    return Reply(body={name: {"Max": 10_000_000, "Remaining": 10_000_000 - call.org.calls} for name in LIMITS})


def collections(call: Call) -> Reply:
    """Upsert up to 200 records."""
    asked = call.json()
    answers = call.org.judge(asked["records"])
    rejected = [answer for answer in answers if not answer["success"]]
    if rejected and asked["allOrNone"]:
        behind = {"statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK", "message": "Record rolled back", "fields": []}
        return Reply(body=[a if not a["success"] else a | {"success": False, "errors": [behind]} for a in answers])
    call.org.keep(json.dumps(asked["records"]).encode())
    return Reply(body=answers)


def create_job(call: Call) -> Reply:
    """Open a job of Bulk API 2.0; a multipart request includes its rows and also closes it."""
    kind = call.headers.get("Content-Type", "")
    if not kind.startswith("multipart/"):
        return Reply(body=_summarize(call.org.add_job(call.json())))
    boundary = re.search(r'boundary="?([^";]+)', kind)
    parts = call.read().split(b"--" + (boundary[1] if boundary else "").encode())
    asked, content = (part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for part in parts[1:3])
    job = call.org.add_job(json.loads(asked))
    job.upload = Upload(call.org.new_file("csv"))
    job.upload.receive(iter([memoryview(bytearray(content))]))
    job.upload.close(call.org.rejected)
    job.state = "JobComplete"
    return Reply(body=_summarize(job) | {"state": "UploadComplete"})


def upload(call: Call) -> Reply:
    """Receive the rows of a job."""
    job = call.org.jobs[call.words[0]]
    taken = Upload(call.org.new_file("csv"))
    taken.receive(call.blocks())
    job.upload = taken
    return Reply(201)


def change_job(call: Call) -> Reply:
    """Close or abort a job; its rejected rows are found at once."""
    job, asked = call.org.jobs[call.words[0]], call.json()
    if asked["state"] == "UploadComplete" and job.upload:
        job.upload.close(call.org.rejected)
        job.state = "JobComplete"
        call.org.schedule_job(job, job.upload.rows)
        return Reply(body=_summarize(job) | {"state": "UploadComplete"})
    job.state = asked["state"]
    return Reply(body=_summarize(job))


def read_job(call: Call) -> Reply:
    """Return the state of a job."""
    return Reply(body=_summarize(call.org.jobs[call.words[0]]))


def delete_job(call: Call) -> Reply:
    """Delete a job; its records stay."""
    del call.org.jobs[call.words[0]]
    return Reply(204)


def list_jobs(call: Call) -> Reply:
    """List the jobs."""
    return Reply(
        body={"done": True, "records": [_summarize(job) for job in call.org.jobs.values()], "nextRecordsUrl": None}
    )


def results(call: Call) -> Reply:
    """Send one of the three result files."""
    taken = call.org.jobs[call.words[0]].upload
    assert taken is not None  # noqa: S101 - a job without rows has no results
    return Reply(parts=_results(taken, call.words[1].lower(), distinct=call.org.distinct), kind=CSV)


def _results(taken: Upload, which: str, *, distinct: bool) -> Iterator[bytes]:
    if which == "successfulresults":
        return taken.successful()
    if which == "failedresults":
        return taken.rejected(f"{REJECTION}:{MESSAGE}", distinct=distinct)
    return iter([taken.header()])


def _summarize(job: Job) -> dict[str, Any]:
    body = {
        "id": job.id, "createdDate": "2026-01-01T00:00:00.000+0000", "systemModstamp": "2026-01-01T00:00:00.000+0000",
        "createdById": "005000000000001AAA", "concurrencyMode": "Parallel", "apiVersion": 59.0, "contentType": "CSV",
        "lineEnding": "LF", "columnDelimiter": "COMMA", "jobType": "V2Ingest",
    } | job.asked | {"state": job.state, "retries": 0, "totalProcessingTime": 0}  # fmt: skip
    if job.state == "Open":
        return body | {"contentUrl": f"services/data/v59.0/jobs/ingest/{job.id}/batches"}
    taken = job.upload
    if job.turn and job.state == "JobComplete":
        state, saved = job.turn.look()
        if state != "JobComplete":
            return body | {"state": state, "numberRecordsProcessed": saved, "numberRecordsFailed": 0}
    counts = {"numberRecordsProcessed": taken.rows, "numberRecordsFailed": len(taken.failed)} if taken else {}
    return body | (counts or {"numberRecordsProcessed": 0, "numberRecordsFailed": 0})


def create_v1_job(call: Call) -> Reply:
    """Open a job of Bulk API v1."""
    job = call.org.add_job(call.json())
    return Reply(201, job.asked | {"id": job.id, "state": "Open", "concurrencyMode": "Parallel", "apiVersion": 59.0})


def add_v1_batch(call: Call) -> Reply:
    """Receive a batch of records as JSON; it is complete at once."""
    job, content = call.org.jobs[call.words[0]], call.read()
    batch = f"751{len(job.batches):012d}AAA"
    job.batches[batch] = call.org.judge(json.loads(content))
    call.org.keep(content)
    return Reply(201, {"id": batch, "jobId": job.id, "state": "Queued"})


def read_v1_batch(call: Call) -> Reply:
    """Return the state of a batch."""
    return Reply(body={"id": call.words[1], "jobId": call.words[0], "state": "Completed"})


def v1_results(call: Call) -> Reply:
    """Send the results of a batch."""
    return Reply(body=call.org.jobs[call.words[0]].batches[call.words[1]])


def change_v1_job(call: Call) -> Reply:
    """Close a job of Bulk API v1."""
    return Reply(body=call.json() | {"id": call.words[0]})


_DATA, _ASYNC = r"/services/data/v[\d.]+", r"/services/async/[\d.]+"
_JOB = _DATA + r"/jobs/ingest/(750\w+)"
ROUTES: tuple[tuple[str, str, Callable[[Call], Reply]], ...] = (
    ("GET", "/control", control),
    ("POST", "/control", reset),
    ("POST", "/services/oauth2/token", log_in),
    ("GET", _DATA + r"/sobjects/(\w+)/describe/?", describe),
    ("GET", _DATA + "/?", resources),
    ("GET", _DATA + "/limits/?", limits),
    ("PATCH", _DATA + r"/composite/sobjects/(\w+)/(\w+)", collections),
    ("POST", _DATA + "/jobs/ingest/?", create_job),
    ("GET", _DATA + "/jobs/ingest/?", list_jobs),
    ("PUT", _JOB + "/batches/?", upload),
    ("PATCH", _JOB + "/?", change_job),
    ("GET", _JOB + "/?", read_job),
    ("DELETE", _JOB + "/?", delete_job),
    ("GET", _JOB + "/(successfulResults|failedResults|unprocessedRecords)/?", results),
    ("POST", _ASYNC + "/job/?", create_v1_job),
    ("POST", _ASYNC + r"/job/(750\w+)/batch/?", add_v1_batch),
    ("GET", _ASYNC + r"/job/(750\w+)/batch/(751\w+)/?", read_v1_batch),
    ("GET", _ASYNC + r"/job/(750\w+)/batch/(751\w+)/result/?", v1_results),
    ("POST", _ASYNC + r"/job/(750\w+)/?", change_v1_job),
)

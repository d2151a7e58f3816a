"""Jobs and batches of Bulk API v1, and their descriptions in JSON and XML."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from lxml import etree
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from salesforce_sandbox.org.org import LoggedRequest
from salesforce_sandbox.records.record_ids import make_id
from salesforce_sandbox.records.saving import Result

NAMESPACE = "http://www.force.com/2009/06/asyncapi/dataload"
_job_numbers, _batch_numbers = itertools.count(500_000_001), itertools.count(1)


class BatchState(StrEnum):
    """The states of a batch."""

    QUEUED = "Queued"
    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    NOT_PROCESSED = "Not Processed"


@dataclass
class ClassicRejected(Exception):  # noqa: N818 - Salesforce's wording
    """A request of Bulk v1 is rejected."""

    code: str
    message: str
    status: int = 400


@dataclass
class Batch:
    """A batch: what was sent and what happened to it."""

    job: ClassicJob
    folder: Path
    by: LoggedRequest
    id: str = field(default_factory=lambda: make_id("751", next(_batch_numbers)))
    state: BatchState = BatchState.QUEUED
    message: str = ""
    results: list[Result] = field(default_factory=list)
    failed: int = 0
    created: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def sent(self) -> Path:
        """Return the file with the data as it was sent."""
        return self.folder / f"{self.id}.request"

    def describe(self) -> dict[str, Any]:
        """Return the batch as the API describes it; XML leaves out None."""
        body: dict[str, Any] = {"id": self.id, "jobId": self.job.id, "state": self.state.value}
        body["stateMessage"] = self.message or None
        return body | _times(self.created) | {
            "numberRecordsProcessed": len(self.results),
            "numberRecordsFailed": self.failed,
            "totalProcessingTime": 0,
            "apiActiveProcessingTime": 0,
            "apexProcessingTime": 0,
        }  # fmt: skip


@dataclass
class ClassicJob:
    """A job."""

    object: str
    operation: str
    content_type: str
    external_id_field: str | None
    concurrency: str
    version: str
    created_by: str
    id: str = field(default_factory=lambda: make_id("750", next(_job_numbers)))
    state: str = "Open"
    batches: dict[str, Batch] = field(default_factory=dict)
    created: datetime = field(default_factory=lambda: datetime.now(UTC))

    def describe(self) -> dict[str, Any]:
        """Return the job as the API describes it, in the recorded order of keys."""
        count = {state: sum(batch.state is state for batch in self.batches.values()) for state in BatchState}
        body: dict[str, Any] = {"id": self.id, "operation": self.operation, "object": self.object}
        body |= {"createdById": self.created_by} | _times(self.created) | {"state": self.state}
        if self.external_id_field:
            body["externalIdFieldName"] = self.external_id_field
        return body | {
            "concurrencyMode": self.concurrency,
            "contentType": self.content_type,
            "numberBatchesQueued": count[BatchState.QUEUED],
            "numberBatchesInProgress": count[BatchState.IN_PROGRESS],
            "numberBatchesCompleted": count[BatchState.COMPLETED],
            "numberBatchesFailed": count[BatchState.FAILED],
            "numberBatchesTotal": len(self.batches),
            "numberRecordsProcessed": sum(len(batch.results) for batch in self.batches.values()),
            "numberRetries": 0,
            "apiVersion": float(self.version),
            "numberRecordsFailed": sum(batch.failed for batch in self.batches.values()),
            "totalProcessingTime": 0,
            "apiActiveProcessingTime": 0,
            "apexProcessingTime": 0,
        }

    def describe_among_all(self) -> dict[str, Any]:
        """Return the job as the list of Bulk 2.0 shows it."""
        wanted = ("id", "operation", "object", "createdById", "createdDate", "systemModstamp", "state",
                  "concurrencyMode", "contentType", "apiVersion")  # fmt: skip
        body = self.describe()
        return {name: body[name] for name in wanted} | {"jobType": "Classic"}


def speaks_json(request: Request) -> bool:
    """Return whether a request uses JSON; all others use XML."""
    headers = request.headers
    return "json" in headers.get("content-type", "") or "json" in headers.get("accept", "")


def describe(
    request: Request, kind: str, body: Mapping[str, Any], status: int = 200, location: str | None = None
) -> Response:
    """Return an answer in the format of the request; `kind` is the XML element, `location` that of a new object."""
    headers = {"Location": location} if location else None
    if speaks_json(request):
        return JSONResponse(dict(body), status, headers)
    return Response(_write_xml(kind, body), status, headers, media_type="application/xml")


def answer_list(request: Request, kind: str, item: str, rows: list[dict[str, Any]]) -> Response:
    """Return a list in the format of the request."""
    if speaks_json(request):
        return JSONResponse({item: rows})
    root = etree.Element(kind, nsmap={None: NAMESPACE})
    for row in rows:
        root.append(etree.fromstring(_write_xml(item, row)))
    return Response(etree.tostring(root, xml_declaration=True, encoding="UTF-8"), media_type="application/xml")


def read_document(body: bytes) -> dict[str, str]:
    """Return the elements of a small XML document by name; raises ClassicRejected."""
    try:
        root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        raise ClassicRejected("InvalidXML", "Unable to parse the XML of the request") from None
    return {etree.QName(child).localname: (child.text or "").strip() for child in root}


def _write_xml(kind: str, body: Mapping[str, Any]) -> bytes:
    root = etree.Element(kind, nsmap={None: NAMESPACE})
    given = {name: value for name, value in body.items() if value is not None}
    for name, value in given.items():
        etree.SubElement(root, name).text = str(value).lower() if isinstance(value, bool) else str(value)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def _times(moment: datetime) -> dict[str, str]:
    text = moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return {"createdDate": text, "systemModstamp": text}

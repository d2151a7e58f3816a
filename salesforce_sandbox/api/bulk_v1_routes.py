"""The HTTP side of Bulk API v1, in JSON and XML."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from salesforce_sandbox import assumptions
from salesforce_sandbox.api.calls import VERSIONS, logged
from salesforce_sandbox.jobs.bulk_v1_batches import (
    Records,
    read_records,
    work_off_batch,
    write_csv_results,
    write_json_results,
)
from salesforce_sandbox.jobs.bulk_v1_jobs import (
    Batch,
    BatchState,
    ClassicJob,
    ClassicRejected,
    answer_list,
    describe,
    read_document,
    speaks_json,
)
from salesforce_sandbox.org.org import Org
from salesforce_sandbox.records.record_ids import normalise_id
from salesforce_sandbox.records.rejections import RecordRejected, RequestRejected
from salesforce_sandbox.records.saving import OPERATIONS

_MODES = {"0": "Parallel", "1": "Serial", "Parallel": "Parallel", "Serial": "Serial"}
_TYPES = {"JSON", "CSV"}
Endpoint = Callable[[Request], Awaitable[Response]]


class ClassicBulk:
    """Bulk API v1: its jobs and its routes."""

    def __init__(self, org: Org) -> None:
        self.org = org
        self.jobs: dict[str, ClassicJob] = {}
        self._threads = ThreadPoolExecutor(1, "bulk-v1")
        self._running: set[asyncio.Task[None]] = set()

    def routes(self) -> list[Route]:
        """Return the routes."""
        path = "/services/async/{version}/job"
        table: list[tuple[str, Endpoint, list[str]]] = [
            (path, self.create, ["POST"]),
            (path + "/{id}", self.show, ["GET"]),
            (path + "/{id}", self.change, ["POST"]),
            (path + "/{id}/batch", self.add_batch, ["POST"]),
            (path + "/{id}/batch", self.list_batches, ["GET"]),
            (path + "/{id}/batch/{batch}", self.show_batch, ["GET"]),
            (path + "/{id}/batch/{batch}/result", self.results, ["GET"]),
            (path + "/{id}/batch/{batch}/request", self.echo, ["GET"]),
        ]
        return [Route(route, self._guard(endpoint), methods=methods) for route, endpoint, methods in table]

    def list_among_all(self) -> list[dict[str, Any]]:
        """Return the jobs as the list of Bulk 2.0 shows them."""
        return [job.describe_among_all() for job in self.jobs.values()]

    def _guard(self, endpoint: Endpoint) -> Endpoint:
        async def guarded(request: Request) -> Response:
            try:
                self._enter(request)
                return await endpoint(request)
            except ClassicRejected as rejected:
                detail = {"exceptionCode": rejected.code, "exceptionMessage": rejected.message}
                return describe(request, "error", detail, rejected.status)

        return guarded

    def _enter(self, request: Request) -> None:
        token = request.headers.get("x-sfdc-session") or request.headers.get("authorization", "").partition(" ")[2]
        try:
            logged(request).user = self.org.sessions.user_of(token)
        except RequestRejected:
            raise ClassicRejected("InvalidSessionId", "Invalid session id") from None
        try:
            self.org.spend_call()
        except RequestRejected as spent:
            raise ClassicRejected("ExceededQuota", spent.message, assumptions.CLASSIC_QUOTA_STATUS) from None
        if request.path_params["version"] not in VERSIONS:
            raise ClassicRejected("InvalidVersion", f"API version {request.path_params['version']} is not supported")

    async def create(self, request: Request) -> Response:
        """Create a job."""
        asked = await _read(request)
        try:
            entity = self.org.writer().schema.object(str(asked.get("object")))
        except RequestRejected:
            message = f"Unable to find object: {asked.get('object')}"
            raise ClassicRejected("InvalidJob", message) from None
        if not entity.definition.bulk:
            raise ClassicRejected("InvalidEntity", f"Entity '{entity.name}' is not supported by the Bulk API.")
        operation, kind = str(asked.get("operation")), str(asked.get("contentType") or "CSV")
        mode = _MODES.get(str(asked.get("concurrencyMode", 0)))
        if operation not in OPERATIONS or kind not in _TYPES or mode is None:
            detail = f"operation={operation}, contentType={kind}, concurrencyMode={asked.get('concurrencyMode')}"
            raise ClassicRejected("InvalidJob", f"Unable to create the job: {detail}")
        key = asked.get("externalIdFieldName") or None
        if operation == "upsert":
            _check_key(entity, key)
        job = ClassicJob(entity.name, operation, kind, key, mode, request.path_params["version"],
                         self.org.id_of_user(logged(request).user))  # fmt: skip
        self.jobs[job.id] = job
        return describe(request, "jobInfo", job.describe(), 201, f"{request.url.path}/{job.id}")

    async def show(self, request: Request) -> Response:
        """Return everything about a job."""
        return describe(request, "jobInfo", self._job(request).describe())

    async def change(self, request: Request) -> Response:
        """Close or abort a job."""
        job, wanted = self._job(request), (await _read(request)).get("state")
        if wanted not in {"Closed", "Aborted"}:
            raise ClassicRejected("InvalidJobState", f"Invalid state: {wanted}")
        if job.state != "Open":
            raise ClassicRejected("InvalidJobState", f"Closing already {job.state} Job not allowed")
        job.state = wanted
        return describe(request, "jobInfo", job.describe())

    async def add_batch(self, request: Request) -> Response:
        """Take a batch and process it in the background."""
        job = self._job(request)
        if job.state != "Open":
            raise ClassicRejected("InvalidJobState", f"Unable to add a batch to a job that is {job.state}")
        if self.org.left("DailyBulkApiBatches") <= 0:
            raise ClassicRejected("ExceededQuota", "ApiBatchItems Limit exceeded.")
        folder = self.org.folder / "jobs" / job.id
        folder.mkdir(parents=True, exist_ok=True)
        batch, body = Batch(job, folder, logged(request)), await request.body()
        records = read_records(batch, body)
        self.org.used["DailyBulkApiBatches"] += 1
        batch.sent.write_bytes(body)
        job.batches[batch.id] = batch
        task = asyncio.get_running_loop().create_task(self._run(batch, records))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return describe(request, "batchInfo", batch.describe(), 201, f"{request.url.path}/{batch.id}")

    async def _run(self, batch: Batch, records: Records | None) -> None:
        await asyncio.sleep(self.org.bulk.delay_seconds)
        if batch.job.state == "Aborted":
            batch.state = BatchState.NOT_PROCESSED
            return
        await asyncio.get_running_loop().run_in_executor(self._threads, work_off_batch, self.org, batch, records)

    async def list_batches(self, request: Request) -> Response:
        """List the batches of a job."""
        rows = [batch.describe() for batch in self._job(request).batches.values()]
        return answer_list(request, "batchInfoList", "batchInfo", rows)

    async def show_batch(self, request: Request) -> Response:
        """Return everything about a batch."""
        return describe(request, "batchInfo", self._batch(request).describe())

    async def results(self, request: Request) -> Response:
        """Return the results of a batch in the order of its request."""
        batch = self._batch(request)
        if batch.state is BatchState.FAILED:
            raise ClassicRejected("InvalidBatch", "Records not processed")
        if batch.state is not BatchState.COMPLETED:
            raise ClassicRejected("InvalidBatch", f"Batch is not completed: {batch.state.value}")
        if batch.job.content_type == "JSON":
            return JSONResponse(write_json_results(batch))
        return Response(write_csv_results(batch), headers={"Content-Type": "text/csv"})

    async def echo(self, request: Request) -> Response:
        """Return the records of a batch as they were sent."""
        batch = self._batch(request)
        kind = "application/json" if batch.job.content_type == "JSON" else "text/csv"
        return Response(batch.sent.read_bytes(), headers={"Content-Type": kind})

    def _job(self, request: Request) -> ClassicJob:
        job = self.jobs.get(normalise_id(request.path_params["id"]) or "")
        if job is None:
            raise ClassicRejected("InvalidJob", f"Unable to find the job {request.path_params['id']}")
        return job

    def _batch(self, request: Request) -> Batch:
        batch = self._job(request).batches.get(normalise_id(request.path_params["batch"]) or "")
        if batch is None:
            raise ClassicRejected("InvalidBatch", f"Unable to find the batch {request.path_params['batch']}")
        return batch


def _check_key(entity: Any, key: str | None) -> None:
    try:
        name, field = entity.field(str(key))
    except RecordRejected:
        raise ClassicRejected("InvalidJob", f"External ID field {key} does not exist") from None
    if name != "Id" and not field.external_id:
        raise ClassicRejected("InvalidJob", f"Field name provided: {key} is not an External ID or indexed field")


async def _read(request: Request) -> dict[str, Any]:
    body = await request.body()
    if not speaks_json(request):
        return dict(read_document(body))
    try:
        return dict(json.loads(body))
    except (ValueError, TypeError):
        raise ClassicRejected("ClientInputError", "Unable to parse the JSON of the request") from None

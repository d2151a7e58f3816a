"""The HTTP side of Bulk API 2.0 ingest."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from salesforce_sandbox import assumptions
from salesforce_sandbox.api.calls import DATA, ApiJson, base, enter, logged, read_json
from salesforce_sandbox.jobs.bulk_batches import work_off
from salesforce_sandbox.jobs.bulk_files import read_results, receive_upload
from salesforce_sandbox.jobs.bulk_jobs import (
    DELIMITERS,
    FINISHED,
    LINE_ENDINGS,
    Job,
    JobRequest,
    Jobs,
    JobState,
    ResultFile,
    reject_state,
)
from salesforce_sandbox.org.org import LOGGED_BODY, Org
from salesforce_sandbox.records.rejections import RequestRejected
from salesforce_sandbox.records.saving import OPERATIONS

PAGE = 1000
_FILES = {each.value.lower(): each for each in ResultFile}
OtherJobs = Callable[[], list[dict[str, Any]]]


def bulk_routes(org: Org, jobs: Jobs, classic: OtherJobs) -> list[Route]:
    """Return the routes of Bulk 2.0; `classic` lists the jobs of Bulk v1."""
    bulk = _Bulk(org, jobs, classic)
    path = DATA + "/jobs/ingest"
    table: list[tuple[str, Callable[[Request], Awaitable[Response]], list[str]]] = [
        (path, bulk.create, ["POST"]),
        (path, bulk.list_jobs, ["GET"]),
        (path + "/{id}", bulk.show, ["GET"]),
        (path + "/{id}", bulk.change, ["PATCH"]),
        (path + "/{id}", bulk.delete, ["DELETE"]),
        (path + "/{id}/batches", bulk.upload, ["PUT"]),
        (path + "/{id}/{file}", bulk.results, ["GET"]),
    ]
    return [Route(route, endpoint, methods=methods) for route, endpoint, methods in table]


class _Bulk:
    def __init__(self, org: Org, jobs: Jobs, classic: OtherJobs) -> None:
        self.org, self.jobs, self.classic = org, jobs, classic
        self._threads = ThreadPoolExecutor(1, "bulk")
        self._running: set[asyncio.Task[None]] = set()

    async def create(self, request: Request) -> Response:
        """Create a job, with its data if the request is multipart."""
        enter(self.org, request)
        if not request.headers.get("content-type", "").startswith("multipart/form-data"):
            job = self._create(await read_json(request), request)
            return ApiJson(job.describe_created(), assumptions.JOB_CREATED_STATUS)
        form = await request.form()
        content, asked = form.get("content"), form.get("job")
        if not isinstance(content, UploadFile) or asked is None:
            raise RequestRejected(400, "CLIENTINPUTERROR", "A multipart request needs the parts job and content")
        text = (await asked.read()).decode() if isinstance(asked, UploadFile) else asked
        data = await content.read()
        if len(data.decode(errors="replace")) > assumptions.MULTIPART_LIMIT:
            raise RequestRejected(
                *assumptions.TOO_LARGE, "The data of a multipart request may have 100,000 characters."
            )
        job = self._create(_parse(text), request)
        job.upload.write_bytes(data)
        self._start(job, request)
        return ApiJson(job.describe_created(), assumptions.JOB_CREATED_STATUS)

    def _create(self, body: Any, request: Request) -> Job:
        return self.jobs.create(self._read_request(body, request), self.org.id_of_user(logged(request).user))

    def _read_request(self, body: Any, request: Request) -> JobRequest:
        if self.org.left("DailyBulkApiBatches") <= 0:
            raise RequestRejected(400, "EXCEEDEDQUOTA", "ApiBatchItems Limit exceeded.")
        entity_name = str(body.get("object") or "")
        try:
            entity = self.org.writer().schema.object(entity_name)
        except RequestRejected:
            message = f"InvalidJob : Unable to find object: {entity_name}"
            raise RequestRejected(400, "INVALIDJOB", message) from None
        if not entity.definition.bulk:
            message = f"Entity '{entity.name}' is not supported by the Bulk API."
            raise RequestRejected(400, "INVALIDENTITY", message)
        if body.get("operation") not in OPERATIONS:
            message = f"Invalid value: '{body.get('operation') or ''}' supplied for property: 'operation'"
            raise RequestRejected(400, "API_ERROR", message)
        for name, choices in (("columnDelimiter", DELIMITERS), ("lineEnding", LINE_ENDINGS), ("contentType", {"CSV"})):
            _check_choice(body, name, choices, "INVALIDJOB", optional=True)
        key = body.get("externalIdFieldName")
        if body["operation"] == "upsert":
            self._check_key(entity, key)
        return JobRequest(
            entity.name, body["operation"], key, body.get("columnDelimiter") or "COMMA",
            body.get("lineEnding") or "LF", request.path_params["version"], body.get("assignmentRuleId"),
        )  # fmt: skip

    def _check_key(self, entity: Any, key: Any) -> None:
        if key is None:
            raise RequestRejected(
                400, "INVALIDJOB", "External ID was blank for upsert. An external ID must be specified."
            )
        found = entity.fields.get(str(key).lower())
        if found is None or not (found[0] == "Id" or found[1].external_id):
            message = f"InvalidJob : Field name provided, {key} does not match an External ID for {entity.name}"
            raise RequestRejected(400, "INVALIDJOB", message)

    async def list_jobs(self, request: Request) -> Response:
        """List jobs of both Bulk APIs, a page at a time."""
        enter(self.org, request)
        wanted = request.query_params.get("jobType")
        listed = [job.describe_listed() for job in self.jobs.all.values()] + self.classic()
        listed = [each for each in listed if wanted in {None, each["jobType"]}]
        start = int(request.query_params.get("queryLocator") or 0)
        more = start + PAGE < len(listed)
        kind = f"jobType={wanted}&" if wanted else ""
        following = f"{base(request)}/jobs/ingest?{kind}queryLocator={start + PAGE}" if more else None
        page = {"done": not more, "records": listed[start : start + PAGE], "nextRecordsUrl": following}
        return ApiJson(page)

    async def show(self, request: Request) -> Response:
        """Return everything about a job."""
        return ApiJson(self._job(request).describe_all())

    async def upload(self, request: Request) -> Response:
        """Store the data of a job; it is checked when the job is closed."""
        job = self._job(request)
        if job.state is not JobState.OPEN:
            raise reject_state(f"Job is not open: {job.state.value}")
        await receive_upload(request.stream(), job)
        with job.upload.open("rb") as stored:  # a stream is not read for the log before it is stored
            logged(request).body = stored.read(LOGGED_BODY).decode("utf-8", "replace")
        job.uploads += 1
        return Response(status_code=201)

    async def change(self, request: Request) -> Response:
        """Close a job, so that it is processed, or abort it."""
        job = self._job(request)
        wanted = (await read_json(request)).get("state")
        if wanted == JobState.UPLOAD_COMPLETE:
            self._close(job, request)
        elif wanted == JobState.ABORTED:
            await self._abort(job)
        else:
            raise RequestRejected(400, "INVALIDJOB", f"Invalid value for state: {wanted}")
        return ApiJson(job.describe())

    def _close(self, job: Job, request: Request) -> None:
        if job.state is not JobState.OPEN:
            raise reject_state(f"Job state cannot be changed from {job.state.value} to UploadComplete")
        if not job.upload.exists():
            raise RequestRejected(400, assumptions.NO_DATA, "No data was uploaded for the job")
        if job.uploads > 1:
            raise RequestRejected(400, "INVALIDJOB", assumptions.SECOND_UPLOAD.format(job=job.id))
        self._start(job, request)

    async def _abort(self, job: Job) -> None:
        if job.state in FINISHED:
            raise reject_state("Aborting already Completed Job not allowed")
        job.stop.set()
        if job.state is JobState.OPEN:
            job.state = JobState.ABORTED
            return
        await job.ended.wait()

    async def delete(self, request: Request) -> Response:
        """Delete a finished job."""
        job = self._job(request)
        if job.state not in FINISHED:
            raise reject_state(f"Job must be in a finished state to be deleted; it is {job.state.value}")
        self.jobs.forget(job)
        return Response(status_code=204)

    async def results(self, request: Request) -> Response:
        """Serve a result file of a finished job."""
        job = self._job(request)
        file = _FILES.get(request.path_params["file"].lower())
        if file is None:
            raise RequestRejected(404, "NOT_FOUND", "The requested resource does not exist")
        if job.state not in FINISHED:
            raise RequestRejected(400, assumptions.EARLY_RESULTS, f"The job is not finished: {job.state.value}")
        if file is ResultFile.FAILED and not job.parts[file] and self.org.bulk.no_failures_status == 204:
            return Response(status_code=204)
        return StreamingResponse(read_results(job, file), headers={"Content-Type": assumptions.RESULT_TYPE})

    def _start(self, job: Job, request: Request) -> None:
        job.state, job.closed_by = JobState.UPLOAD_COMPLETE, logged(request)
        task = asyncio.get_running_loop().create_task(self._run(job))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run(self, job: Job) -> None:
        deadline = asyncio.get_running_loop().time() + self.org.bulk.delay_seconds
        while asyncio.get_running_loop().time() < deadline and not job.stop.is_set():
            await asyncio.sleep(0.02)
        job.state = JobState.IN_PROGRESS
        try:
            await asyncio.get_running_loop().run_in_executor(self._threads, work_off, self.org, job)
        except Exception as broken:
            job.state, job.error_message = JobState.FAILED, f"UnknownException : {broken}"
            raise
        finally:
            job.ended.set()

    def _job(self, request: Request) -> Job:
        enter(self.org, request)
        return self.jobs.get(request.path_params["id"])


def _check_choice(body: Any, name: str, choices: Any, code: str, *, optional: bool = False) -> None:
    value = body.get(name)
    if value not in choices and not (optional and value is None):
        raise RequestRejected(400, code, f"Invalid value for {name}: {value}. Allowed: {', '.join(sorted(choices))}")


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise RequestRejected(400, "JSON_PARSER_ERROR", "Unexpected character in the part job") from None

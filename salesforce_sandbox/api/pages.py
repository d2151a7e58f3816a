"""A small web page that shows the org's state and switches its rules and faults."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from salesforce_sandbox.api.guard import PAGE
from salesforce_sandbox.api.page_actions import FAULTS, JOB_FAULTS
from salesforce_sandbox.jobs.bulk_jobs import FINISHED, Jobs, ResultFile
from salesforce_sandbox.org.faults import KINDS
from salesforce_sandbox.org.org import Org
from salesforce_sandbox.records.record_ids import normalise_id
from salesforce_sandbox.records.rejections import RequestRejected
from salesforce_sandbox.records.schema import ObjectSchema, fold

HERE = Path(__file__).resolve().parent
RECORDS, REQUESTS, LINES = 50, 200, 200
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
_TEMPLATES = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True)
Endpoint = Callable[[Request], Awaitable[Response]]
OtherJobs = Callable[[], list[dict[str, Any]]]


def page_routes(org: Org, jobs: Jobs, classic: OtherJobs, token: str) -> list[Route | Mount]:
    """Return the routes of the page; `classic` lists the jobs of Bulk v1, `token` is sent with its forms."""
    pages = _Pages(org, jobs, classic, token)
    shown: dict[str, Endpoint] = {
        "": pages.overview,
        "/objects/{object}": pages.show_object,
        "/objects/{object}/{id}": pages.show_record,
        "/jobs/{id}/{file}": pages.show_results,
        "/requests": pages.show_requests,
        "/requests/{n:int}": pages.show_request,
    }
    routes: list[Route | Mount] = [Mount(PAGE + "/static", StaticFiles(directory=HERE / "static"))]
    routes += [Route(PAGE + path, page, methods=["GET"]) for path, page in shown.items()]
    return routes


class _Pages:
    def __init__(self, org: Org, jobs: Jobs, classic: OtherJobs, token: str) -> None:
        self.org, self.jobs, self.classic, self.token = org, jobs, classic, token

    async def overview(self, _: Request) -> Response:
        """Show the org's state and its switches."""
        return self._render(
            "overview.html",
            counts=self.org.counts(),
            limits={name: (most, self.org.left(name)) for name, most in self.org.limits.items()},
            rules=self.org.rules.rules.values(),
            faults=self.org.faults.active,
            job_faults=[fault.model_dump(exclude_defaults=True) for fault in self.org.job_faults],
            maintenance=self.org.maintenance,
            kinds=[*FAULTS, *JOB_FAULTS],
            calls=list(KINDS),
            jobs=[job.describe_all() for job in reversed(self.jobs.all.values())][:RECORDS],
            classic=self.classic()[: -RECORDS - 1 : -1],
            files=[each.value for each in ResultFile],
            finished=FINISHED,
        )

    async def show_object(self, request: Request) -> Response:
        """Show the records of an object, a page at a time, or those with a key."""
        entity = self._object(request)
        wanted, after = request.query_params.get("find", "").strip(), request.query_params.get("after", "")
        if wanted:
            found = self.org.storage.find_many(self._find(entity, wanted))
            records, more = list(found.values()), False
        else:
            listed = self.org.storage.find_page(entity.prefix, after, RECORDS + 1)
            records, more = listed[:RECORDS], len(listed) > RECORDS
        columns = [name for name, _ in entity.keys] or list(entity.definition.fields)[:3]
        return self._render("object.html", entity=entity, records=records, more=more, columns=columns, wanted=wanted)

    def _find(self, entity: ObjectSchema, wanted: str) -> list[str]:
        by_key = [
            self.org.storage.find_by_key(entity.name, name, fold(field, wanted)) for name, field in entity.keys
        ]  # fmt: skip
        by_id = [normal] if (normal := normalise_id(wanted)) else []
        return sorted({*by_id, *itertools.chain.from_iterable(by_key)})

    async def show_record(self, request: Request) -> Response:
        """Show a record and every write to it."""
        entity = self._object(request)
        record = self.org.storage.find(normalise_id(request.path_params["id"]) or "")
        if record is None or record.object != entity.name:
            return self._render("message.html", 404, message="There is no such record.")
        history = self.org.storage.history.of(record.id)
        return self._render("record.html", entity=entity, record=record, history=history)

    async def show_results(self, request: Request) -> Response:
        """Show the first lines of a result file of a job."""
        try:
            job, file = self.jobs.get(request.path_params["id"]), ResultFile(request.path_params["file"])
        except (RequestRejected, ValueError):
            return self._render("message.html", 404, message="There is no such file.")
        lines = [job.header]
        for part in job.parts[file]:
            with part.open(encoding="utf-8", errors="replace") as text:
                lines += [line.rstrip("\r\n") for line in itertools.islice(text, LINES + 1 - len(lines))]
        return self._render("lines.html", title=f"{file.value} of job {job.id}", text="\n".join(lines), most=LINES)

    async def show_requests(self, _: Request) -> Response:
        """Show the last requests on Salesforce's paths, newest first."""
        return self._render("requests.html", requests=self.org.requests[: -REQUESTS - 1 : -1])

    async def show_request(self, request: Request) -> Response:
        """Show one request with its body."""
        found = next((each for each in self.org.requests if each.n == request.path_params["n"]), None)
        if found is None:
            return self._render("message.html", 404, message="This request is no longer in the log.")
        title = f"Request {found.n}: {found.method} {found.path} ({found.status})"
        return self._render("lines.html", title=title, text=found.body, most=None)

    def _object(self, request: Request) -> ObjectSchema:
        return self.org.writer().schema.object(request.path_params["object"])

    def _render(self, template: str, status: int = 200, **shown: Any) -> Response:
        text = _TEMPLATES.get_template(template).render(path=PAGE, token=self.token, **shown)
        return HTMLResponse(text, status, HEADERS)

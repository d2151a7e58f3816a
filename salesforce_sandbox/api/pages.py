"""A small web page to look at the org as "Salesforce" sees it, and to switch its rules and faults."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from salesforce_sandbox.jobs.bulk_jobs import FINISHED, Jobs, ResultFile
from salesforce_sandbox.org.faults import KINDS, Cut, Fault, FaultAnswer, JobFault
from salesforce_sandbox.org.org import Org
from salesforce_sandbox.records.record_ids import normalise_id
from salesforce_sandbox.records.refusals import RequestRefused
from salesforce_sandbox.records.schema import ObjectSchema, fold

HERE = Path(__file__).resolve().parent
PAGE, REQUESTS, LINES = 50, 200, 200
PATH = "/sandbox/page"
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_TEMPLATES = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True)
_HTML = {"Content-Type": "text/html"}
# what can be switched on with one click: the name that people know and the fault
FAULTS: dict[str, dict[str, Any]] = {
    "503 with HTML": {"answer": FaultAnswer(status=503, headers=_HTML, body="<html><body>Down</body></html>")},
    "500 UNKNOWN_EXCEPTION": {
        "answer": FaultAnswer(
            status=500,
            headers={"Content-Type": "application/json"},
            body='[{"errorCode": "UNKNOWN_EXCEPTION", "message": "An unexpected error occurred. Please include this '
            'ErrorId if you contact support: 1730955361-49792 (-1117026034)"}]',
        )
    },
    "connection cut before the commit": {"cut": Cut.BEFORE},
    "connection cut after the commit": {"cut": Cut.AFTER},
    "an answer after 3 seconds": {"delay_seconds": 3.0},
}
JOB_FAULTS: dict[str, dict[str, Any]] = {
    "the next Bulk job fails": {"fail": "InternalServerError : the sandbox was asked to fail", "fail_after_batches": 1},
    "results of the next Bulk job miss 10 rows": {"lose_rows": 10},
    "results of the next Bulk job end in a line": {"cut_results": True},
}
Endpoint = Callable[[Request], Awaitable[Response]]
Action = Callable[[Request], Awaitable[None]]
OtherJobs = Callable[[], list[dict[str, Any]]]


def page_routes(org: Org, jobs: Jobs, classic: OtherJobs) -> list[Route | Mount]:
    """Return the routes of the page; `classic` lists the jobs of Bulk v1."""
    pages = _Pages(org, jobs, classic)
    shown: dict[str, Endpoint] = {
        "": pages.overview,
        "/objects/{object}": pages.show_object,
        "/objects/{object}/{id}": pages.show_record,
        "/jobs/{id}/{file}": pages.show_results,
        "/requests": pages.show_requests,
        "/requests/{n:int}": pages.show_request,
    }
    done: dict[str, Action] = {
        "/rules/{name}": pages.switch_rule,
        "/faults": pages.add_fault,
        "/faults/clear": pages.clear_faults,
        "/sessions/expire": pages.expire_sessions,
        "/maintenance": pages.switch_maintenance,
    }
    routes: list[Route | Mount] = [Mount(PATH + "/static", StaticFiles(directory=HERE / "static"))]
    routes += [Route(PATH + path, page, methods=["GET"]) for path, page in shown.items()]
    return routes + [Route(PATH + path, _only_from_here(action), methods=["POST"]) for path, action in done.items()]


def _only_from_here(action: Action) -> Endpoint:
    """Return an action that refuses forms of other sites."""

    async def guarded(request: Request) -> Response:
        origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site", "same-origin")
        foreign = origin not in {None, "null"} and urlsplit(str(origin)).netloc != request.headers["host"]
        if foreign or site not in {"same-origin", "none"}:
            return _render("message.html", 403, told="This form was sent from another site; nothing was changed.")
        try:
            await action(request)
        except (KeyError, ValidationError) as wrong:
            told = (
                wrong.errors()[0]["msg"].removeprefix("Value error, ")
                if isinstance(wrong, ValidationError)
                else f"{wrong} is not known"
            )
            return _render("message.html", 400, told=f"Nothing was changed: {told}.")
        return RedirectResponse(PATH, 303)

    return guarded


class _Pages:
    def __init__(self, org: Org, jobs: Jobs, classic: OtherJobs) -> None:
        self.org, self.jobs, self.classic = org, jobs, classic

    async def overview(self, _: Request) -> Response:
        """Show what there is and what can be switched."""
        return _render(
            "overview.html",
            counts=self.org.counts(),
            limits={name: (most, self.org.left(name)) for name, most in self.org.limits.items()},
            rules=self.org.rules.rules.values(),
            faults=self.org.faults.active,
            job_faults=[fault.model_dump(exclude_defaults=True) for fault in self.org.job_faults],
            maintenance=self.org.maintenance,
            kinds=[*FAULTS, *JOB_FAULTS],
            calls=list(KINDS),
            jobs=[job.tell_all() for job in reversed(self.jobs.all.values())][:PAGE],
            classic=self.classic()[: -PAGE - 1 : -1],
            files=[each.value for each in ResultFile],
            finished=FINISHED,
        )

    async def show_object(self, request: Request) -> Response:
        """Show the records of an object, a page at a time, or those that a key names."""
        entity = self._object(request)
        wanted, after = request.query_params.get("find", "").strip(), request.query_params.get("after", "")
        if wanted:
            found = self.org.storage.find_many(self._find(entity, wanted))
            records, more = list(found.values()), False
        else:
            listed = self.org.storage.find_page(entity.prefix, after, PAGE + 1)
            records, more = listed[:PAGE], len(listed) > PAGE
        columns = [name for name, _ in entity.keys] or list(entity.definition.fields)[:3]
        return _render("object.html", entity=entity, records=records, more=more, columns=columns, wanted=wanted)

    def _find(self, entity: ObjectSchema, wanted: str) -> list[str]:
        by_key = [
            self.org.storage.find_by_key(entity.name, name, fold(field, wanted)) for name, field in entity.keys
        ]  # fmt: skip
        by_id = [normal] if (normal := normalise_id(wanted)) else []
        return sorted({*by_id, *itertools.chain.from_iterable(by_key)})

    async def show_record(self, request: Request) -> Response:
        """Show a record and everything that was written to it."""
        entity = self._object(request)
        record = self.org.storage.find(normalise_id(request.path_params["id"]) or "")
        if record is None or record.object != entity.name:
            return _render("message.html", 404, told="There is no such record.")
        history = self.org.storage.history.of(record.id)
        return _render("record.html", entity=entity, record=record, history=history)

    async def show_results(self, request: Request) -> Response:
        """Show the first lines of a result file of a job."""
        try:
            job, file = self.jobs.get(request.path_params["id"]), ResultFile(request.path_params["file"])
        except (RequestRefused, ValueError):
            return _render("message.html", 404, told="There is no such file.")
        lines = [job.header]
        for part in job.parts[file]:
            with part.open(encoding="utf-8", errors="replace") as text:
                lines += [line.rstrip("\r\n") for line in itertools.islice(text, LINES + 1 - len(lines))]
        return _render("lines.html", title=f"{file.value} of job {job.id}", text="\n".join(lines), most=LINES)

    async def show_requests(self, _: Request) -> Response:
        """Show the last requests on Salesforce's paths, newest first."""
        return _render("requests.html", requests=self.org.requests[: -REQUESTS - 1 : -1])

    async def show_request(self, request: Request) -> Response:
        """Show one request with its body."""
        found = next((each for each in self.org.requests if each.n == request.path_params["n"]), None)
        if found is None:
            return _render("message.html", 404, told="This request is no longer in the log.")
        title = f"Request {found.n}: {found.method} {found.path} ({found.status})"
        return _render("lines.html", title=title, text=found.body, most=None)

    async def switch_rule(self, request: Request) -> None:
        """Switch a rule on or off."""
        form = await request.form()
        self.org.rules.switch(request.path_params["name"], active=form.get("active") == "on")

    async def add_fault(self, request: Request) -> None:
        """Switch a fault on."""
        asked = {name: str(value) for name, value in (await request.form()).items()}
        times = {"times": asked.get("times") or 1}
        if asked["kind"] in JOB_FAULTS:
            fault = JOB_FAULTS[asked["kind"]] | times | {"on_job": asked.get("on_call") or 1}
            self.org.job_faults.append(JobFault.model_validate(fault))
            return
        match = {"kind": asked.get("call") or None, "path_regex": asked.get("path", "")}
        on_call = {"on_call": asked.get("on_call") or 1}
        self.org.faults.active.append(Fault.model_validate(FAULTS[asked["kind"]] | times | on_call | {"match": match}))

    async def clear_faults(self, _: Request) -> None:
        """Switch every fault off."""
        self.org.faults.clear()
        self.org.job_faults.clear()

    async def switch_maintenance(self, request: Request) -> None:
        """Begin or end maintenance."""
        self.org.maintenance = (await request.form()).get("active") == "on"

    async def expire_sessions(self, _: Request) -> None:
        """End every session."""
        self.org.sessions.expire_all()

    def _object(self, request: Request) -> ObjectSchema:
        return self.org.writer().schema.object(request.path_params["object"])


def _render(template: str, status: int = 200, **shown: Any) -> Response:
    text = _TEMPLATES.get_template(template).render(path=PATH, **shown)
    return HTMLResponse(text, status, HEADERS)

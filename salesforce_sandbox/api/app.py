"""The web application: Salesforce's paths, with a log and faults, and the control API."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from salesforce_sandbox import assumptions
from salesforce_sandbox.api.bulk_routes import bulk_routes
from salesforce_sandbox.api.bulk_v1_routes import ClassicBulk
from salesforce_sandbox.api.calls import ApiJson, find_place
from salesforce_sandbox.api.control_routes import control_routes
from salesforce_sandbox.api.guard import Guard, GuardedPaths
from salesforce_sandbox.api.login import login_routes
from salesforce_sandbox.api.page_actions import action_routes
from salesforce_sandbox.api.pages import page_routes
from salesforce_sandbox.api.record_routes import record_routes
from salesforce_sandbox.api.rest import rest_routes
from salesforce_sandbox.definition.definition import DefinitionError
from salesforce_sandbox.jobs.bulk_jobs import Jobs
from salesforce_sandbox.org.faults import Fault
from salesforce_sandbox.org.org import LOGGED, LoggedRequest, Org
from salesforce_sandbox.records.rejections import BodyRejected, RecordRejected, RequestRejected

_STREAMED = re.compile(r"/jobs/ingest/\w+/batches$")  # too large to be kept in memory
MAINTENANCE = Response(assumptions.MAINTENANCE_PAGE, 503, media_type="text/html")
TRANSPORT = "salesforce_sandbox.transport"  # in the scope, set by the server: the connection that a fault cuts


def make_app(org: Org, guard: Guard) -> ASGIApp:
    """Return the application that serves an org; the guard decides which calls may control it."""
    jobs = Jobs(org.folder / "jobs")
    classic = ClassicBulk(org)
    org.at_reset += [jobs.clear, classic.jobs.clear]
    routes = [
        *login_routes(org),
        *bulk_routes(org, jobs, classic.list_among_all),
        *classic.routes(),
        *rest_routes(org),
        *record_routes(org),
        *control_routes(org),
        *action_routes(org),
        *page_routes(org, jobs, classic.list_among_all, guard.token),
    ]
    handlers: dict[Any, Callable[[Request, Any], Awaitable[Response]]] = {
        RecordRejected: _reject,
        RequestRejected: _reject,
        HTTPException: _no_such_path,
        DefinitionError: _broken_definition,
        json.JSONDecodeError: _no_json,
    }
    compressed = Middleware(GZipMiddleware, minimum_size=1000, compresslevel=1)
    starlette = Starlette(routes=routes, exception_handlers=handlers, middleware=[compressed])
    starlette.router.redirect_slashes = False
    return GuardedPaths(SalesforcePaths(starlette, org), guard)


class SalesforcePaths:
    """Logs requests on Salesforce's paths and applies faults to them, before or after they are executed."""

    def __init__(self, app: ASGIApp, org: Org) -> None:
        self.app, self.org = app, org

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        # the sf CLI joins an address that ends in a slash with paths that begin with one
        if scope["type"] != "http" or not scope["path"].lstrip("/").startswith("services"):
            await self.app(scope, receive, send)
            return
        scope = dict(scope) | {"path": "/" + scope["path"].strip("/")}
        path = scope["path"] + ("?" + scope["query_string"].decode() if scope["query_string"] else "")
        fault = self.org.faults.find(scope["method"], path)
        body = None if _STREAMED.search(scope["path"]) else await _read_body(receive)
        logged = self.org.log_request(scope["method"], path, _loggable(scope["path"], body or b""))
        scope[LOGGED] = logged
        rejection = _find_rejection(scope, body, self.org)
        if rejection:
            await rejection(scope, receive, _Answer(send, logged, self.org).pass_on)
        elif self.org.maintenance:
            await MAINTENANCE(scope, receive, _Answer(send, logged, self.org).pass_on)
        elif fault is None:
            await self._execute(scope, receive, body, _Answer(send, logged, self.org))
        else:
            await self._strike(fault, scope, receive, body, _Answer(send, logged, self.org))

    async def _execute(self, scope: Scope, receive: Receive, body: bytes | None, answer: _Answer) -> None:
        await self.app(scope, receive if body is None else _replay(body), answer.pass_on)

    async def _strike(self, fault: Fault, scope: Scope, receive: Receive, body: bytes | None, answer: _Answer) -> None:
        """Apply a fault: a delay before or after the commit, then another answer, a cut, or the answer itself."""
        if not fault.commits:
            await asyncio.sleep(fault.delay_seconds)
            await _replace(fault, scope, answer)
            return
        if not fault.after_commit:
            await asyncio.sleep(fault.delay_seconds)
        await self._execute(scope, receive, body, answer.hold() if fault.holds_answer else answer)
        if fault.after_commit:
            await asyncio.sleep(fault.delay_seconds)
        if fault.cut or fault.answer:
            await _replace(fault, scope, answer)
        else:
            await answer.release()


def _find_rejection(scope: Scope, body: bytes | None, org: Org) -> Response | None:
    """Return what rejects a request whose address or body is too large."""
    address = len(scope.get("raw_path") or scope["path"].encode()) + len(scope["query_string"])
    if address > org.request_settings.most_uri_bytes:
        return Response(assumptions.URI_TOO_LONG, 414, media_type="text/html")
    if body and len(body) > org.request_settings.most_bytes:
        return Response(assumptions.BODY_TOO_LARGE, 413, media_type="text/html")
    return None


class _Answer:
    """Passes an answer on or holds it back; logs its status, and adds the API usage for a logged-in user."""

    def __init__(self, send: Send, logged: LoggedRequest, org: Org) -> None:
        self.send, self.logged, self.org = send, logged, org
        self._held: list[Message] | None = None

    def hold(self) -> _Answer:
        """Hold back the messages from now on."""
        self._held = []
        return self

    async def release(self) -> None:
        """Pass on the messages that were held back."""
        for message in self._held or []:
            await self.send(message)

    async def pass_on(self, message: Message) -> None:
        """Take a message of the application's answer."""
        self.logged.status = message.get("status", self.logged.status)
        if message["type"] == "http.response.start" and self.logged.user and "/data/" in self.logged.path:
            limit = (b"sforce-limit-info", self.org.limit_info.encode())
            message = {**message, "headers": [*message.get("headers", ()), limit]}
        if self._held is None:
            await self.send(message)
        else:
            self._held.append(message)


async def _replace(fault: Fault, scope: Scope, answer: _Answer) -> None:
    """Cut the connection, or send another answer."""
    if fault.cut:
        scope[TRANSPORT].abort()
    elif fault.answer:
        answer.logged.status = fault.answer.status
        response = Response(fault.answer.body, fault.answer.status, fault.answer.headers)
        await response(scope, _replay(b""), answer.send)


async def _read_body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


def _replay(body: bytes) -> Receive:
    async def receive() -> Message:
        await asyncio.sleep(0)
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _loggable(path: str, body: bytes) -> str:
    """Return a body for the log, empty where it has credentials."""
    return "" if "oauth2" in path or "/Soap/" in path else body.decode("utf-8", "replace")


async def _reject(request: Request, rejected: RecordRejected | RequestRejected) -> Response:
    if isinstance(rejected, BodyRejected):
        rejected = replace(rejected, message=f"{rejected.message} {await find_place(request, rejected.value)}")
    status = rejected.status if isinstance(rejected, RequestRejected) else 400
    return ApiJson(rejected.as_body(), status, assumptions.AUTHENTICATE_HEADER if status == 401 else None)


async def _no_such_path(_: Request, wrong: HTTPException) -> Response:
    if wrong.status_code == 405:
        rejected = RequestRejected(405, "METHOD_NOT_ALLOWED", "HTTP Method not allowed.")
    else:
        rejected = RequestRejected(404, "NOT_FOUND", "The requested resource does not exist")
    return ApiJson(rejected.as_body(), rejected.status)


async def _no_json(_: Request, wrong: json.JSONDecodeError) -> Response:
    return JSONResponse({"error": f"The body is not JSON: {wrong}"}, 400)


async def _broken_definition(_: Request, wrong: DefinitionError) -> Response:
    return JSONResponse([{"errorCode": "UNKNOWN_EXCEPTION", "message": str(wrong)}], 500)

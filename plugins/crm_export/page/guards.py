"""Permissions on the page, checks of writes, and the headers of every answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.base_auth_manager import ResourceMethod
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import (
    ConnectionDetails,
    DagAccessEntity,
    DagDetails,
    VariableDetails,
)
from airflow.api_fastapi.core_api.security import (
    GetUserDep,
    requires_access_connection,
    requires_access_dag,
    requires_access_variable,
)
from airflow.configuration import conf
from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crm_export.connections import POSTGRES
from crm_export.page.failures import PageFailure, describe_invalid
from crm_export.settings import PAUSE_ON_EXPORT_ERRORS

BODY_LIMIT = 1024  # bytes; a route that needs more sets its own
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}
SENDING_DAGS = ("CRMExport", "CRMExport_ExportError")
DAGS = (*SENDING_DAGS, "CRMExport_Reconcile")
Body = TypeVar("Body", bound=BaseModel)
# Viewer and User may not read Variables; the right to see plugins or DAGs is too weak for record keys and messages
may_read = Depends(requires_access_variable("GET"))
may_change = Depends(requires_access_variable("PUT"))
may_run = [Depends(requires_access_dag("POST", DagAccessEntity.RUN, name)) for name in SENDING_DAGS]
may_see_counts = Depends(requires_access_dag("GET", param_dag_id="CRMExport"))
may_run_dag = Depends(requires_access_dag("POST", DagAccessEntity.RUN))  # the one in the path
may_pause_dag = Depends(requires_access_dag("PUT"))  # same
may_see_values = Depends(requires_access_connection("GET"))


class Permissions(BaseModel):
    """What the user may do on the page; `run` and `pause` list the DAGs."""

    change_settings: bool
    act: bool
    see_values: bool
    run: list[str]
    pause: list[str]


def find_permissions(user: BaseUser) -> Permissions:
    """Return what a user may do, by the same rules as the routes."""
    manager = get_auth_manager()
    variable = VariableDetails(key=PAUSE_ON_EXPORT_ERRORS)
    change = manager.is_authorized_variable(method="PUT", details=variable, user=user)
    runnable = [name for name in DAGS if _may(user, "POST", name, DagAccessEntity.RUN)]
    run = set(SENDING_DAGS) <= set(runnable)
    connection = ConnectionDetails(conn_id=POSTGRES)
    values = manager.is_authorized_connection(method="GET", details=connection, user=user)
    return Permissions(
        change_settings=change,
        act=change and run,
        see_values=change and run and values,
        run=runnable,
        pause=[name for name in DAGS if _may(user, "PUT", name)],
    )


def _may(user: BaseUser, method: ResourceMethod, dag_id: str, entity: DagAccessEntity | None = None) -> bool:
    return get_auth_manager().is_authorized_dag(
        method=method, access_entity=entity, details=DagDetails(id=dag_id), user=user
    )


def require_run(user: BaseUser, dag_id: str) -> None:
    """Raise PageFailure unless a user may start runs of a DAG."""
    if not _may(user, "POST", dag_id, DagAccessEntity.RUN):
        raise PageFailure(403, "forbidden", f"Your role does not allow starting runs of {dag_id}.")


def name_user(user: GetUserDep) -> str:
    """Return a user's name for the audit."""
    return str(user.get_name())


def read_body(model: type[Body], limit: int = BODY_LIMIT) -> Callable[[Request], Awaitable[Body]]:
    """Return a dependency that reads a JSON body of at most `limit` bytes, sent by this page only."""

    async def read(request: Request) -> Body:
        _check_origin(request)
        try:
            return model.model_validate_json(await _read_raw(request, limit))
        except ValidationError as wrong:
            raise PageFailure(422, "invalid", describe_invalid(wrong.errors())) from None

    return read


def _check_origin(request: Request) -> None:
    """Reject requests that another site can make a browser send; they carry the cookie too."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise PageFailure(415, "not_json", "Send application/json.")
    site = request.headers.get("sec-fetch-site")
    own = _own_origin(request)
    same = site == "same-origin" if site else own is not None and request.headers.get("origin") == own
    if not same or request.headers.get("x-crm-export") != "1":
        raise PageFailure(
            403, "cross_site",
            "Changes are accepted from this page only. If this is its address, set [api] base_url to it.",
        )  # fmt: skip


def _own_origin(request: Request) -> str | None:
    """Return the origin that a browser without fetch metadata must send; the Host header could be forged."""
    public = urlsplit(conf.get("api", "base_url", fallback="") or "")
    if public.netloc:
        return f"{public.scheme}://{public.netloc}".lower()
    is_local = request.url.hostname in {"localhost", "127.0.0.1", "::1"}
    return f"{request.url.scheme}://{request.url.netloc}" if is_local else None


async def _read_raw(request: Request, limit: int) -> bytes:
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > limit:
            raise PageFailure(413, "too_large", f"The request is larger than {limit // 1024} KB.")
    return bytes(raw)


class SecurityHeaders:
    """Middleware that sets the security headers of every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and add the headers to its answer."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_ENCODED]
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)


_ENCODED: list[Any] = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]

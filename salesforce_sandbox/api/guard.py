"""Protection against other web sites: which calls may control the sandbox, and headers that make its answers inert."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTROL = "/sandbox"
PAGE = "/sandbox/page"
TOKEN_HEADER = "X-Sandbox-Token"  # noqa: S105 - the name of a header
OWN_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
_READS = frozenset({"GET", "HEAD"})
# answers on Salesforce's paths may be any HTML: a browser must give it no origin and run none of its scripts
INERT = {
    "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass(frozen=True)
class Guard:
    """Decides which control calls are allowed: those with the token, to one of the hosts, not from another site."""

    hosts: frozenset[str] = OWN_HOSTS
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    @classmethod
    def for_hosts(cls, names: Iterable[str]) -> Guard:
        """Return a guard that allows more host names than those of the machine."""
        return cls(OWN_HOSTS | {name.lower() for name in names})

    def find_objection(self, method: str, path: str, headers: Headers) -> str:
        """Return why a control call is rejected, an empty text if it is allowed."""
        host = headers.get("host", "")
        if (_split(f"//{host}").hostname or "") not in self.hosts:
            return (
                f"Host {host} is not a host of this sandbox: {', '.join(sorted(self.hosts))} (--allow-host adds one)."
            )
        if _is_foreign(headers, host):
            return "This call comes from another site; nothing was changed."
        if method in _READS and (
            path.startswith(PAGE) or (path == CONTROL and "text/html" in headers.get("accept", ""))
        ):
            return ""
        if not hmac.compare_digest(headers.get(TOKEN_HEADER, "").encode(), self.token.encode()):
            return f"{TOKEN_HEADER} is not the control_token of this sandbox. Read it from the sandbox's ready file."
        if method not in _READS | {"DELETE"} and _media_type(headers) != "application/json":
            return "The body of a control call must be JSON: Content-Type application/json."
        return ""


def _is_page(path: str, headers: Headers) -> bool:
    return path.startswith(PAGE) or (path == CONTROL and "text/html" in headers.get("accept", ""))


def _split(address: str) -> SplitResult:
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


def _is_foreign(headers: Headers, host: str) -> bool:
    origin = headers.get("origin")
    if origin is not None and _split(origin).netloc != host:
        return True
    return headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}


def _media_type(headers: Headers) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


class GuardedPaths:
    """Rejects control calls that the guard objects to, and makes the answers of other paths inert for browsers."""

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self.app, self.guard = app, guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = "/" + scope["path"].strip("/")
        if path != CONTROL and not path.startswith(f"{CONTROL}/"):
            await self.app(scope, receive, _make_inert(send))
            return
        objection = self.guard.find_objection(scope["method"], path, Headers(scope=scope))
        if objection:
            await JSONResponse({"error": objection}, 403, INERT)(scope, receive, send)
        else:
            await self.app(scope, receive, send if path.startswith(PAGE) else _make_inert(send))


def _make_inert(send: Send) -> Send:
    async def pass_on(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=list(message.get("headers", ())))
            for name, value in INERT.items():
                headers[name] = value
            message = {**message, "headers": headers.raw}
        await send(message)

    return pass_on

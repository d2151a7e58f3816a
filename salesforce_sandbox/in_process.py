"""An org inside the calling process, for tests: without a server or sockets, every address leads to it."""

from __future__ import annotations

import asyncio
import gzip
import io
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import TimeoutError as LateError
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from starlette.types import ASGIApp, Message

from salesforce_sandbox.api.app import TRANSPORT, make_app
from salesforce_sandbox.api.guard import Guard
from salesforce_sandbox.control import Control
from salesforce_sandbox.definition.definition import OrgDefinition
from salesforce_sandbox.org.org import Org

HOST = "org.sandbox.local"
URL = f"https://{HOST}"


class InProcessSandbox:
    """A context manager: an org whose `session` serves clients such as simple-salesforce (`session=`)."""

    def __init__(self, definition: OrgDefinition, folder: Path) -> None:
        self.org, guard = Org(definition, folder), Guard.for_hosts([HOST])
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sandbox", daemon=True)
        self._adapter = _Adapter(make_app(self.org, guard), self._loop)
        self.session = self.new_session()
        self.control = Control(URL, guard.token, self.session)

    def new_session(self) -> requests.Session:
        """Return another session; the org answers it on every host."""
        session = requests.Session()
        session.mount("https://", self._adapter)
        session.mount("http://", self._adapter)
        return session

    def __enter__(self) -> InProcessSandbox:
        """Start answering."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop and close the storage; jobs and slow answers are cancelled."""
        self.org.reset()
        asyncio.run_coroutine_threadsafe(_cancel_others(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self.org.storage.close()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


class _Cut(Exception):  # noqa: N818 - a fault
    """The connection was cut."""


class _Connection:
    """The connection that a fault cuts."""

    def abort(self) -> None:
        """Cut the connection."""
        raise _Cut


class _Adapter(BaseAdapter):
    def __init__(self, app: ASGIApp, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._app, self._loop = app, loop

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Let the org answer a request; raises the exceptions of requests for a cut or a late answer."""
        call = asyncio.run_coroutine_threadsafe(_call(self._app, request), self._loop)
        try:
            status, headers, body = call.result(timeout[1] if isinstance(timeout, tuple) else timeout)
        except _Cut:
            raise requests.ConnectionError("the sandbox cut the connection", request=request) from None
        except LateError:
            raise requests.ReadTimeout("the sandbox is slow", request=request) from None
        return _make_response(request, status, headers, body)

    def close(self) -> None:
        """Do nothing: there is no connection."""


async def _call(app: ASGIApp, request: requests.PreparedRequest) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    address = urlsplit(str(request.url))
    headers = {"host": address.netloc} | {name.lower(): value for name, value in request.headers.items()}
    scope: dict[str, Any] = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": request.method,
        "scheme": address.scheme, "path": unquote(address.path), "raw_path": address.path.encode(), "root_path": "",
        "query_string": address.query.encode(), "server": (address.hostname, address.port or 443),
        "client": ("127.0.0.1", 1), "headers": [(_bytes(name), _bytes(value)) for name, value in headers.items()],
        TRANSPORT: _Connection(),
    }  # fmt: skip
    started: list[Message] = []
    body = bytearray()

    async def receive() -> Message:
        return {"type": "http.request", "body": _read(request.body), "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            started.append(message)
        body.extend(message.get("body", b""))

    await app(scope, receive, send)
    return int(started[0]["status"]), list(started[0]["headers"]), bytes(body)


def _read(body: Any) -> bytes:
    if hasattr(body, "read"):
        return bytes(body.read())
    if isinstance(body, Iterable) and not isinstance(body, str | bytes):
        return b"".join(body)
    return _bytes(body or b"")


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def _make_response(
    request: requests.PreparedRequest, status: int, headers: list[tuple[bytes, bytes]], body: bytes
) -> requests.Response:
    response = requests.Response()
    response.status_code, response.url, response.request = status, str(request.url), request
    response.headers = CaseInsensitiveDict({name.decode(): value.decode() for name, value in headers})
    response.encoding = requests.utils.get_encoding_from_headers(response.headers)
    response.raw = io.BytesIO(_unpack(response.headers, body))
    return response


def _unpack(headers: Any, body: bytes) -> bytes:
    if headers.get("content-encoding") != "gzip":
        return body
    return gzip.decompress(body)

"""The session of a Salesforce client: each call has two points, before its execution and before its answer."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from typing import Any

import requests
from urllib3.response import HTTPResponse

from histories.processes import BUSY, LOSE, REJECT, SHORTEN, Process
from include.export.salesforce.client import OrgSession, SalesforceClient

INSTANCE = "https://org.example"
ORGANIZATION = "00Dxx0000001gPL"
Handle = Callable[[str, str, str | None], tuple[int, Any]]


class SimulatedSession(requests.Session):
    """Calls the model of an org instead of the network."""

    def __init__(self, process: Process, handle: Handle) -> None:
        super().__init__()
        self._process, self._handle = process, handle

    def request(self, method: Any, url: Any, *given: Any, **named: Any) -> requests.Response:
        """Answer a call, or raise a network error."""
        message = f"{method} {re.sub(r'^.*/services/data/v[0-9.]+/', '', str(url)).partition('?')[0]}"
        outcome = self._process.park("call", re.sub(r"750\w+", "JOB", message))
        if outcome == REJECT:
            raise requests.ConnectionError("connection refused")
        if outcome == BUSY:
            return _respond(503, [{"errorCode": "SERVER_UNAVAILABLE", "message": "Server is busy"}])
        status, answer = self._handle(str(method), str(url), self._read(named.get("data")))
        outcome = self._process.park("answer", message)
        if outcome == LOSE:
            raise requests.ReadTimeout("read timed out")
        return _respond(status, _shorten(answer) if outcome == SHORTEN else answer)

    def _read(self, data: Any) -> str | None:
        if data is None or isinstance(data, bytes):
            return data.decode() if data else None
        blocks = []
        for block in data:
            blocks.append(block)
            if self._process.park("upload") == REJECT:
                raise requests.ConnectionError("connection reset in the middle of an upload")
        return b"".join(blocks).decode()


def make_client(process: Process, handle: Handle) -> SalesforceClient:
    """Return the product's client of the model, for one process."""
    session = SimulatedSession(process, handle)
    return SalesforceClient(lambda: OrgSession(INSTANCE, f"{ORGANIZATION}!token", session, "59.0"))


def _shorten(answer: Any) -> Any:
    """Return an answer without its last record, or the last half of its last line."""
    if isinstance(answer, list):
        return answer[:-1]
    if isinstance(answer, str) and answer.count("\n") > 1:
        lines = answer.splitlines(keepends=True)
        return "".join(lines[:-1]) + (lines[-1][: len(lines[-1]) // 2] if len(lines) % 2 else "")
    return answer


def _respond(status: int, answer: Any) -> requests.Response:
    content = (answer if isinstance(answer, str) else json.dumps(answer) if answer is not None else "").encode()
    response = requests.Response()
    response.status_code = status
    response.headers["Content-Type"] = "application/json;charset=UTF-8"
    response.raw = HTTPResponse(io.BytesIO(content), status=status, preload_content=False)
    return response

"""The session of a Salesforce client: each call is two points, before it is executed and before its answer."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from typing import Any

import requests
from urllib3.response import HTTPResponse

from histories.processes import BUSY, LOSE, REFUSE, SHORTEN, Process
from include.export.salesforce import OrgSession, SalesforceClient

INSTANCE = "https://org.example"
ORGANIZATION = "00Dxx0000001gPL"
Handle = Callable[[str, str, str | None], tuple[int, Any]]


class SimulatedSession(requests.Session):
    """Calls the model of an org instead of the network."""

    def __init__(self, process: Process, handle: Handle) -> None:
        super().__init__()
        self._process, self._handle = process, handle

    def request(self, method: Any, url: Any, *given: Any, **named: Any) -> requests.Response:
        """Answer a call, or fail as the network does."""
        data = named.get("data")
        body = data.decode() if isinstance(data, bytes) else data
        told = f"{method} {re.sub(r'^.*/services/data/v[0-9.]+/', '', str(url)).partition('?')[0]}"
        outcome = self._process.park("call", told)
        if outcome == REFUSE:
            raise requests.ConnectionError("connection refused")
        if outcome == BUSY:
            return _respond(503, [{"errorCode": "SERVER_UNAVAILABLE", "message": "Server is busy"}])
        status, answer = self._handle(str(method), str(url), body)
        outcome = self._process.park("answer", told)
        if outcome == LOSE:
            raise requests.ReadTimeout("read timed out")
        if outcome == SHORTEN and isinstance(answer, list) and answer:
            answer = answer[:-1]
        return _respond(status, answer)


def make_client(process: Process, handle: Handle) -> SalesforceClient:
    """Return the product's client over the model, for one process."""
    session = SimulatedSession(process, handle)
    return SalesforceClient(lambda: OrgSession(INSTANCE, f"{ORGANIZATION}!token", session, "59.0"))


def _respond(status: int, answer: Any) -> requests.Response:
    content = json.dumps(answer).encode()
    response = requests.Response()
    response.status_code = status
    response.headers["Content-Type"] = "application/json;charset=UTF-8"
    response.raw = HTTPResponse(io.BytesIO(content), status=status, preload_content=False)
    return response

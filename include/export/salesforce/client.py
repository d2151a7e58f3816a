"""The connection to a Salesforce org: one keep-alive session, timeouts, one new login, errors told apart."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from include.export.failures import ConfigurationFailure, SalesforceFailure
from include.export.salesforce.http_errors import explain_failure

log = logging.getLogger(__name__)
CONNECT_TIMEOUT, READ_TIMEOUT = 10, 90  # seconds; together under the lease
ANSWER_LIMIT = 32 * 1024 * 1024  # bytes of a JSON answer
DOWNLOAD_BLOCK = 256 * 1024  # bytes
REPEAT_DELAYS = (1.0, 4.0)  # seconds before a call is repeated that was not answered, or with 5xx
_REPEATABLE_STATUSES = frozenset({420, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class OrgSession:
    """A login: where the org is and the token to reach it."""

    instance_url: str
    access_token: str
    http: requests.Session
    api_version: str

    @property
    def organization_id(self) -> str:
        """Return the 15-character org id, the head of an access token (salesforce-wire.md section 1.2)."""
        found = re.match(r"(00D\w{12})", self.access_token)
        return found[1] if found else ""


@dataclass(frozen=True)
class Usage:
    """The API calls of an org in 24 hours, as its last answer told (salesforce-wire.md section 2)."""

    used: int
    most: int


@dataclass(frozen=True)
class Answer:
    """A parsed answer; `repeated` tells that an earlier try of the same call may have been executed too."""

    status: int
    body: Any
    text: str
    repeated: bool


class Unanswered(SalesforceFailure):
    """A call was sent and not answered: whether it was executed is not known."""


@dataclass
class SalesforceClient:
    """Calls the REST API of an org. `login` is called at the first call, and once more when the session expired.

    A call may be repeated unless it says otherwise: upsert and update by id, delete by id, reads (salesforce-wire.md
    section 5.2). Not safe for threads.
    """

    login: Callable[[], OrgSession]
    api_calls: int = 0
    bytes_sent: int = 0
    guard: Callable[[], None] = lambda: None  # called before each try; raises when nothing may be sent any more
    repeat_delays: tuple[float, ...] = REPEAT_DELAYS
    timeouts: tuple[float, float] = (CONNECT_TIMEOUT, READ_TIMEOUT)
    usage: Usage | None = field(default=None, init=False)
    in_flight: bool = field(default=False, init=False)  # a call that writes may still be executed
    _session: OrgSession | None = field(default=None, init=False)

    @property
    def session(self) -> OrgSession:
        """Return the login, made at first use."""
        if self._session is None:
            self._session = self.login()
            if urlsplit(self._session.instance_url).scheme != "https":
                raise ConfigurationFailure("Salesforce answered the login with an address that is not https. Refused.")
        return self._session

    def concurrent(self) -> SalesforceClient:
        """Return a client for another thread: the same login, which it does not renew, and counts of its own."""

        def refuse() -> OrgSession:
            raise SalesforceFailure("The session expired during an upload; it is made again with a new login.")

        other = SalesforceClient(refuse, timeouts=self.timeouts)
        other._session = self.session
        return other

    def take_counts_of(self, other: SalesforceClient) -> None:
        """Add what a concurrent client has counted; it begins again at nothing."""
        self.api_calls += other.api_calls
        self.bytes_sent += other.bytes_sent
        self.usage = other.usage or self.usage
        other.api_calls = other.bytes_sent = 0

    def call(self, method: str, path: str, body: str | None = None, *, repeatable: bool = True) -> Answer:
        """Send one request below /services/data/vNN.N and return its 2xx answer.

        Raises Unanswered when no answer came, at once when the call is not `repeatable`; RunFailure for any other
        answer. A 400 for the content of the request raises RequestRejected (`answers.py`).
        """
        data = body.encode() if body is not None else None
        logged_in_again = repeated = False
        delays = list(self.repeat_delays) if repeatable else []
        while True:
            self.bytes_sent += len(data or b"")
            response, text = self._try_call(method, path, data, last=not delays)
            if response is not None and response.status_code == 401 and not logged_in_again:
                logged_in_again, self._session = True, None
            elif response is None or (response.status_code in _REPEATABLE_STATUSES and delays):
                repeated = True
                time.sleep(_delay_of(response, delays.pop(0)))
            else:
                return self._read(method, path, response, text, repeated)

    def upload(self, path: str, open_body: Callable[[], Iterator[bytes]]) -> None:
        """PUT a body of CSV that is made while it is sent; `open_body` is called again after a new login.

        Raises Unanswered when the connection broke, RunFailure for an answer that is not 2xx.
        """
        for last in (False, True):
            response = self._request("PUT", path, self._count(open_body()), kind="text/csv; charset=UTF-8")
            text = _read_text("PUT", path, response)
            if response.status_code != 401 or last:
                answer = self._read("PUT", path, response, text, repeated=False)
                if answer.status != 201:
                    raise SalesforceFailure(
                        f"Salesforce answered an upload with HTTP {answer.status}, not 201 Created."
                    )
                return
            self._session = None

    @contextmanager
    def download(self, path: str) -> Generator[Iterator[bytes]]:
        """Yield the blocks of a 2xx answer of any size; raises as `call` does, and Unanswered when it breaks off."""
        for last in (False, True):
            response = self._request("GET", path, None, accept="text/csv")
            if response.status_code != 401 or last:
                break
            response.close()
            self._session = None
        if not 200 <= response.status_code < 300:
            self._read("GET", path, response, _read_text("GET", path, response), repeated=False)
        try:
            yield response.raw.stream(DOWNLOAD_BLOCK, decode_content=True)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as broken:
            raise _unanswered("GET", path, broken) from None
        finally:
            response.close()

    def _count(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        for block in blocks:
            self.bytes_sent += len(block)
            yield block

    def _try_call(
        self, method: str, path: str, data: bytes | None, *, last: bool
    ) -> tuple[requests.Response | None, str]:
        try:
            response = self._request(method, path, data)
            return response, _read_text(method, path, response)
        except Unanswered:
            if last:
                raise
            log.info("Salesforce did not answer %s; trying again", method)
            return None, ""

    def _request(
        self,
        method: str,
        path: str,
        data: bytes | Iterator[bytes] | None,
        *,
        kind: str = "application/json; charset=UTF-8",
        accept: str = "application/json",
    ) -> requests.Response:
        session = self.session
        self.guard()
        self.api_calls += 1
        self.in_flight |= method != "GET"
        try:
            response = session.http.request(
                method,
                f"{session.instance_url}/services/data/v{session.api_version}/{path}",
                data=data,
                headers={"Authorization": f"Bearer {session.access_token}", "Content-Type": kind, "Accept": accept},
                timeout=self.timeouts,
                allow_redirects=False,
                stream=True,
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError) as unanswered:
            self.in_flight &= not _never_left(unanswered)
            raise _unanswered(method, path, unanswered) from None
        self.in_flight = False
        self.usage = _read_usage(response) or self.usage
        return response

    def _read(self, method: str, path: str, response: requests.Response, text: str, repeated: bool) -> Answer:
        try:
            body = json.loads(text) if text.strip() else None
        except ValueError:
            body = text
        if 200 <= response.status_code < 300 and not isinstance(body, str):
            return Answer(response.status_code, body, text, repeated)
        raise explain_failure(response, body, f"{method} {urlsplit(path).path}")


def _unanswered(method: str, path: str, reason: Exception) -> Unanswered:
    return Unanswered(
        f"Salesforce did not answer {method} {urlsplit(path).path} ({type(reason).__name__}). "
        "Whether it was executed is not known; the next try settles that. Check network and org."
    )


def _never_left(reason: Exception) -> bool:
    """Tell whether a call failed before a byte of it was sent: no connection could be made."""
    cause = getattr(reason.args[0], "reason", None) if reason.args else None
    return isinstance(reason, requests.ConnectTimeout | requests.exceptions.SSLError) or isinstance(
        cause, urllib3.exceptions.NewConnectionError
    )


def _read_usage(response: requests.Response) -> Usage | None:
    found = re.search(r"api-usage=(\d+)/(\d+)", response.headers.get("Sforce-Limit-Info", ""))
    return Usage(int(found[1]), int(found[2])) if found else None


def _read_text(method: str, path: str, response: requests.Response) -> str:
    try:
        content = response.raw.read(ANSWER_LIMIT + 1, decode_content=True)
    except urllib3.exceptions.HTTPError as broken:
        raise _unanswered(method, path, broken) from None
    response.close() if len(content) > ANSWER_LIMIT else response.raw.release_conn()
    if len(content) > ANSWER_LIMIT:
        raise SalesforceFailure(
            f"Salesforce answered with more than {ANSWER_LIMIT // 1024**2} MB, which no call of ours asks for. "
            "Something between here and Salesforce may have answered instead."
        )
    return str(content, "utf-8", "replace")


def _delay_of(response: requests.Response | None, delay: float) -> float:
    asked = response.headers.get("Retry-After", "") if response is not None else ""
    return min(float(asked), 60.0) if asked.isdigit() else delay

"""The connection to a Salesforce org: a keep-alive session, timeouts, one new login, errors by kind."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

import requests
import urllib3

from include.export.failures import RunFailure, SalesforceFailure
from include.export.salesforce.answers import (
    Answer,
    Unanswered,
    Usage,
    explain_silence,
    never_left,
    read_text,
    read_usage,
)
from include.export.salesforce.error_catalogue import Catalogue, load_catalogue
from include.export.salesforce.http_errors import Busy, explain_failure
from include.export.salesforce.org_session import OrgSession, check_address, require_organization

log = logging.getLogger(__name__)
CONNECT_TIMEOUT, READ_TIMEOUT = 10, 90  # seconds; together under the lease
DOWNLOAD_BLOCK = 256 * 1024  # bytes
REPEAT_DELAYS = (1.0, 4.0)  # seconds before an unanswered or busy call is repeated
LONGEST_DELAY = 60.0  # seconds; a longer Retry-After is cut to this


class LoginNeeded(SalesforceFailure):
    """The session of a concurrent client has expired; only the client of the run logs in again."""


@dataclass
class SalesforceClient:
    """Calls the REST API of an org. `login` runs before the first call, and again when the session has expired.

    By default calls may be repeated: upserts, updates and deletes by id, and reads. Not thread-safe.
    """

    login: Callable[[], OrgSession]
    api_calls: int = 0
    bytes_sent: int = 0
    guard: Callable[[], None] = lambda: None  # called before each attempt; raises when nothing more may be sent
    repeat_delays: tuple[float, ...] = REPEAT_DELAYS
    repeats_writes: bool = True  # by itself; else its caller does
    timeouts: tuple[float, float] = (CONNECT_TIMEOUT, READ_TIMEOUT)
    catalogue: Catalogue = field(default_factory=load_catalogue)
    usage: Usage | None = field(default=None, init=False)
    in_flight: bool = field(default=False, init=False)  # a call that writes may still be executed
    _session: OrgSession | None = field(default=None, init=False)
    overdue: bool = field(default=False, init=False)  # a write that was not answered in time may continue for minutes

    @property
    def session(self) -> OrgSession:
        """Return the login, made at first use."""
        if self._session is None:
            self._session = check_address(self.login())
            if not self._session.organization_id:
                self._session = self._identify(self._session)
        return self._session

    @property
    def address(self) -> str | None:
        """Return the address of the org, None before the first call."""
        return self._session.instance_url if self._session else None

    def concurrent(self) -> SalesforceClient:
        """Return a client for another thread, with the same login, which it cannot renew, and its own counts."""

        def reject() -> OrgSession:
            raise LoginNeeded("The session expired during a concurrent call; it is repeated with a new login.")

        other = SalesforceClient(reject, timeouts=self.timeouts, catalogue=self.catalogue)
        other._session = self.session
        return other

    def take_counts_of(self, other: SalesforceClient) -> None:
        """Add the counts of a concurrent client, and set its counts back to zero."""
        self.api_calls += other.api_calls
        self.bytes_sent += other.bytes_sent
        self.usage = other.usage or self.usage
        other.api_calls = other.bytes_sent = 0

    def call(
        self,
        method: str,
        path: str,
        body: str | None = None,
        *,
        repeatable: bool = True,
        divisible: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request under /services/data/vNN.N and return its 2xx answer.

        Raises Unanswered when no answer came: at once if the call is not `repeatable`, or if it is `divisible` and
        timed out. Raises RequestRejected (`http_errors.py`) for a 400 caused by the request's content, RunFailure for
        any other answer.
        """
        data = body.encode() if body is not None else None
        logged_in_again = repeated = False
        delays = list(self.repeat_delays) if repeatable and (self.repeats_writes or method == "GET") else []
        while True:
            try:
                return replace(self._attempt(method, path, data, headers), repeated=repeated)
            except _SessionExpired as expired:
                if logged_in_again:
                    raise expired.failure from None
                logged_in_again, self._session = True, None
            except (Unanswered, Busy) as failure:
                overdue = divisible and isinstance(failure, Unanswered) and not failure.in_time
                self.overdue |= overdue
                if overdue or not delays:
                    raise
                repeated = True
                log.info("Salesforce did not complete %s; it is repeated (%s)", method, type(failure).__name__)
                time.sleep(_delay_of(failure, delays.pop(0)))

    def upload(self, path: str, open_body: Callable[[], Iterator[bytes]]) -> None:
        """PUT a CSV body that is generated while it is sent; `open_body` is called again after a new login.

        Raises Unanswered when the connection broke, RunFailure for an answer that is not 2xx.
        """
        for last in (False, True):
            response = self._request("PUT", path, self._count(open_body()), kind="text/csv; charset=UTF-8")
            text = read_text("PUT", path, response)
            if response.status_code != 401 or last:
                answer = self._read("PUT", path, response, text)
                if answer.status != 201:
                    raise SalesforceFailure(
                        f"Salesforce answered an upload with HTTP {answer.status}, not 201 Created. The next attempt "
                        "creates a new job."
                    )
                return
            self._session = None

    @contextmanager
    def download(self, path: str) -> Generator[Iterator[bytes]]:
        """Yield the blocks of a 2xx answer of any size; raises as `call` does, Unanswered when it breaks off."""
        for last in (False, True):
            response = self._request("GET", path, None, accept="text/csv")
            if response.status_code != 401 or last:
                break
            response.close()
            self._session = None
        if not 200 <= response.status_code < 300:
            self._read("GET", path, response, read_text("GET", path, response))
        try:
            yield response.raw.stream(DOWNLOAD_BLOCK, decode_content=True)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as broken:
            raise explain_silence("GET", path, broken) from None
        finally:
            response.close()

    def _count(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        for block in blocks:
            self.bytes_sent += len(block)
            yield block

    def _attempt(self, method: str, path: str, data: bytes | None, headers: Mapping[str, str] | None) -> Answer:
        self.bytes_sent += len(data or b"")
        response = self._request(method, path, data, headers=headers)
        text = read_text(method, path, response)
        if response.status_code != 401:
            return self._read(method, path, response, text)
        try:
            return self._read(method, path, response, text)
        except RunFailure as failure:
            raise _SessionExpired(failure) from None

    def _identify(self, session: OrgSession) -> OrgSession:
        """Return a login with the id of its org, read from Salesforce if the token does not begin with it."""
        self._session = session  # used by the request, and dropped when that fails
        try:
            response = self._request("GET", "", None, guarded=False)
            answer = self._read("GET", "", response, read_text("GET", "", response))
            return replace(session, organization=require_organization(answer.body))
        except BaseException:
            self._session = None
            raise

    def _request(
        self,
        method: str,
        path: str,
        data: bytes | Iterator[bytes] | None,
        *,
        kind: str = "application/json; charset=UTF-8",
        accept: str = "application/json",
        headers: Mapping[str, str] | None = None,
        guarded: bool = True,
    ) -> requests.Response:
        session = self.session
        if guarded:
            self.guard()
        self.api_calls += 1
        self.in_flight |= method != "GET"
        try:
            response = session.http.request(
                method,
                f"{session.instance_url}/services/data/v{session.api_version}/{path}",
                data=data,
                headers={
                    "Authorization": f"Bearer {session.access_token}", "Content-Type": kind, "Accept": accept,
                    **(headers or {}),
                },
                timeout=self.timeouts,
                allow_redirects=False,
                stream=True,
            )  # fmt: skip
        except (requests.RequestException, urllib3.exceptions.HTTPError) as unanswered:
            self.in_flight &= not never_left(unanswered)
            raise explain_silence(method, path, unanswered) from None
        if response.status_code != 504:  # from a gateway: Salesforce may still execute the call
            self.in_flight = self.overdue
        self.usage = read_usage(response) or self.usage
        return response

    def _read(self, method: str, path: str, response: requests.Response, text: str) -> Answer:
        try:
            body = json.loads(text) if text.strip() else None
        except ValueError:
            body = text
        if 200 <= response.status_code < 300 and not isinstance(body, str):
            return Answer(response.status_code, body, text, repeated=False)
        if response.status_code == 504:
            raise Unanswered.explain(method, path, "HTTP 504 of a gateway", in_time=False)
        raise explain_failure(response, body, f"{method} {urlsplit(path).path}", self.catalogue)


class _SessionExpired(Exception):  # noqa: N818 - a new login follows
    def __init__(self, failure: RunFailure) -> None:
        super().__init__(str(failure))
        self.failure = failure


def _delay_of(failure: SalesforceFailure, delay: float) -> float:
    return delay if failure.retry_after is None else min(failure.retry_after, LONGEST_DELAY)

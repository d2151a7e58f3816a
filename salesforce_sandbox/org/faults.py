"""Faults on demand: any answer, delay or cut connection, before or after the commit, on the n-th matching call."""

from __future__ import annotations

import json
import re
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

from salesforce_sandbox import assumptions

_HTML = {"Content-Type": "text/html"}


class Cut(StrEnum):
    """When a connection is cut."""

    BEFORE = "before"
    AFTER = "after"


def _check_regex(text: str) -> str:
    try:
        re.compile(text)
    except re.error as wrong:
        raise ValueError(f"{text} is not a regular expression: {wrong}") from None
    return text


class FaultAnswer(BaseModel):
    """An answer in place of Salesforce's."""

    model_config = ConfigDict(extra="forbid")

    status: int
    headers: dict[str, str] = {}
    body: str = ""


def _as_json(status: int, code: str, message: str) -> FaultAnswer:
    body = json.dumps([{"message": message, "errorCode": code}])
    return FaultAnswer(status=status, headers={"Content-Type": "application/json;charset=UTF-8"}, body=body)


_AKAMAI = (
    "<HTML><HEAD><TITLE>Service Unavailable</TITLE></HEAD><BODY><H1>Service Unavailable - DNS failure</H1>The server "
    "is temporarily unable to service your request. Please try again later.<P>Reference #11.2d4b1702.1700000000.1a2b3c"
    "</BODY></HTML>"
)
_UNEXPECTED = (
    "An unexpected error occurred. Please include this ErrorId if you contact support: 243926966-107564 (1182868337)"
)
# answers of real orgs that no state of this one causes, by name
ANSWERS = {
    "total_requests": _as_json(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    "concurrent_requests": _as_json(
        403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
    ),
    "concurrent_long_transactions": _as_json(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded."),
    "concurrent_long_transactions_unknown": _as_json(
        500, "UNKNOWN_EXCEPTION", "ConcurrentPerOrgLongTxn Limit exceeded."
    ),
    "unexpected_error": _as_json(500, "UNKNOWN_EXCEPTION", _UNEXPECTED),
    "no_content_length": _as_json(500, "UNKNOWN_EXCEPTION", "POST requires content-length"),
    "api_disabled": _as_json(403, "API_DISABLED_FOR_ORG", "The REST API is not enabled for this Organization."),
    "session_not_for_rest": _as_json(401, "INVALID_SESSION_ID", "This session is not valid for use with the REST API"),
    "running_too_long": _as_json(*assumptions.RUNNING_TOO_LONG),
    "query_timeout": _as_json(400, "QUERY_TIMEOUT", "Your query request was running for too long."),
    "maintenance": FaultAnswer(status=503, headers=_HTML, body=assumptions.MAINTENANCE_PAGE),
    "akamai": FaultAnswer(status=503, headers=_HTML, body=_AKAMAI),
    "too_large": FaultAnswer(status=413, headers=_HTML, body=assumptions.BODY_TOO_LARGE),
}

# the kinds of calls by name: a pattern for the method, and one for the end of the path without its query string
KINDS = {
    "login": ("POST", r"/services/(oauth2/token|Soap/u/[^/]+)"),
    "describe": ("GET", r"/sobjects/[^/]+/describe"),
    "query": ("GET", r"/query(All)?(/.*)?"),
    "collections": ("POST|PATCH|DELETE", r"/composite/sobjects(/.*)?"),
    "bulk_create": ("POST", r"/jobs/ingest"),
    "bulk_upload": ("PUT", r"/jobs/ingest/\w+/batches"),
    "bulk_close": ("PATCH", r"/jobs/ingest/\w+"),
    "bulk_poll": ("GET", r"/jobs/ingest/\w+"),
    "bulk_list": ("GET", r"/jobs/ingest"),
    "bulk_results": ("GET", r"/jobs/ingest/\w+/\w+"),
    "bulk_delete": ("DELETE", r"/jobs/ingest/\w+"),
}


class FaultMatch(BaseModel):
    """Which calls a fault applies to, by a name of `KINDS`, the method or the path with its query string."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal[tuple(KINDS)] | None = None  # type: ignore[valid-type] # the names above
    method: str | None = None
    path_regex: Annotated[str, AfterValidator(_check_regex)] = ""

    def fits(self, method: str, path: str) -> bool:
        """Return whether the fault applies to a call."""
        if self.kind:
            methods, kind = KINDS[self.kind]
            if not (re.fullmatch(methods, method) and re.fullmatch(f".*{kind}", path.partition("?")[0], re.IGNORECASE)):
                return False
        return self.method in {None, method} and re.search(self.path_regex, path) is not None


class Fault(BaseModel):
    """A fault: from the `on_call`-th matching call on, `times` times.

    `after_commit`: the call is executed first, then its answer is delayed or replaced; for a cut connection, `cut`
    chooses `before` or `after` the commit. `like` names a recorded answer of a real org.
    """

    model_config = ConfigDict(extra="forbid")

    match: FaultMatch = FaultMatch()
    on_call: int = 1
    times: int = 1
    answer: FaultAnswer | None = None
    like: Literal[tuple(ANSWERS)] | None = None  # type: ignore[valid-type] # the names above
    after_commit: bool = False
    cut: Cut | None = None
    delay_seconds: float = 0.0
    seen: int = 0

    @model_validator(mode="after")
    def _answer_like(self) -> Fault:
        if self.like:
            self.answer = ANSWERS[self.like]
        return self

    @property
    def commits(self) -> bool:
        """Return whether a call with the fault is executed anyway."""
        return self.after_commit or self.cut is Cut.AFTER or not (self.cut or self.answer)

    @property
    def holds_answer(self) -> bool:
        """Return whether the true answer of a call with the fault is held back."""
        return self.after_commit or self.cut is not None or self.answer is not None

    def strikes(self, method: str, path: str) -> bool:
        """Count a call and return whether the fault applies to it."""
        if not self.match.fits(method, path):
            return False
        self.seen += 1
        return self.on_call <= self.seen < self.on_call + self.times


class Faults:
    """The faults that are switched on."""

    def __init__(self) -> None:
        self.active: list[Fault] = []

    def clear(self) -> None:
        """Switch every fault off."""
        self.active.clear()

    def find(self, method: str, path: str) -> Fault | None:
        """Return the fault for a call."""
        struck = [fault for fault in self.active if fault.strikes(method, path)]
        return struck[0] if struck else None


class JobFault(BaseModel):
    """A fault of the next Bulk jobs of an object: `times` jobs, from the `on_job`-th on.

    `fail`: the message of a failed job. `fail_after_batches`: how many batches are processed before that.
    `lose_rows`: how many result rows are missing at the end. `cut_results`: the result file ends in the middle of its
    last line. `lose` names the file: successfulResults, failedResults or unprocessedRecords.
    """

    model_config = ConfigDict(extra="forbid")

    object: str | None = None
    on_job: int = 1
    times: int = 1
    fail: str | None = None
    fail_after_batches: int = 0
    lose_rows: int = 0
    lose: str = "successfulResults"
    cut_results: bool = False
    seen: int = 0

    def strikes(self, object_name: str) -> bool:
        """Count a job and return whether the fault applies to it."""
        if self.object and self.object.lower() != object_name.lower():
            return False
        self.seen += 1
        return self.on_job <= self.seen < self.on_job + self.times

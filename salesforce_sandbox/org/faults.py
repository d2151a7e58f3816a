"""Faults on demand: any answer, delay or cut connection, before or after the commit, on the n-th matching call."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict


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


# the kinds of calls by name: the method and what the path without its query string looks like
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
    """Which calls a fault is for, by a name of `KINDS`, the method or the path with its query string."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal[tuple(KINDS)] | None = None  # type: ignore[valid-type] # the names above
    method: str | None = None
    path_regex: Annotated[str, AfterValidator(_check_regex)] = ""

    def fits(self, method: str, path: str) -> bool:
        """Tell whether a call is one of them."""
        if self.kind:
            methods, kind = KINDS[self.kind]
            if not (re.fullmatch(methods, method) and re.fullmatch(f".*{kind}", path.partition("?")[0], re.IGNORECASE)):
                return False
        return self.method in {None, method} and re.search(self.path_regex, path) is not None


class Fault(BaseModel):
    """A fault: from the `on_call`-th matching call on, `times` times.

    `after_commit`: the call is executed, and what was delayed or answered otherwise is its answer; `cut` tells the
    same about a cut connection with `before` and `after`.
    """

    model_config = ConfigDict(extra="forbid")

    match: FaultMatch = FaultMatch()
    on_call: int = 1
    times: int = 1
    answer: FaultAnswer | None = None
    after_commit: bool = False
    cut: Cut | None = None
    delay_seconds: float = 0.0
    seen: int = 0

    @property
    def commits(self) -> bool:
        """Tell whether a call that is struck is executed all the same."""
        return self.after_commit or self.cut is Cut.AFTER or not (self.cut or self.answer)

    @property
    def holds_answer(self) -> bool:
        """Tell whether the true answer of a call that is struck is not sent at once."""
        return self.after_commit or self.cut is not None or self.answer is not None

    def strikes(self, method: str, path: str) -> bool:
        """Count a call and tell whether the fault is for it."""
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
    """What goes wrong with the next Bulk jobs of an object: `times` jobs, from the `on_job`-th on.

    `fail`: the message of a failed job. `fail_after_batches`: how many batches are done before that.
    `lose_rows`: result rows that are missing, from the end. `cut_results`: result files end in the middle of the
    last line that is left. `lose` names the file: successfulResults, failedResults or unprocessedRecords.
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
        """Count a job and tell whether the fault is for it."""
        if self.object and self.object.lower() != object_name.lower():
            return False
        self.seen += 1
        return self.on_job <= self.seen < self.on_job + self.times

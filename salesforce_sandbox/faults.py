"""Faults on demand: any answer, delay or cut connection, before or after the commit, on the n-th matching call."""

from __future__ import annotations

import re
from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Cut(StrEnum):
    """When a connection is cut."""

    BEFORE = "before"
    AFTER = "after"


class FaultAnswer(BaseModel):
    """An answer in place of Salesforce's."""

    model_config = ConfigDict(extra="forbid")

    status: int
    headers: dict[str, str] = {}
    body: str = ""


class FaultMatch(BaseModel):
    """Which calls a fault is for; the path includes the query string."""

    model_config = ConfigDict(extra="forbid")

    method: str | None = None
    path_regex: str = ""


class Fault(BaseModel):
    """A fault: from the `on_call`-th matching call on, `times` times."""

    model_config = ConfigDict(extra="forbid")

    match: FaultMatch = FaultMatch()
    on_call: int = 1
    times: int = 1
    answer: FaultAnswer | None = None
    after_commit: bool = False
    cut: Cut | None = None
    delay_seconds: float = 0.0
    seen: int = 0

    def strikes(self, method: str, path: str) -> bool:
        """Count a call and tell whether the fault is for it."""
        if self.match.method and self.match.method != method:
            return False
        if not re.search(self.match.path_regex, path):
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

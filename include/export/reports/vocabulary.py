"""The states and outcomes in reports, as stored in the tables."""

from __future__ import annotations

from typing import Literal

ErrorStatus = Literal["open", "waiting", "set_aside", "ignored", "resolved"]
ErrorKind = Literal[
    "transient", "admin", "data", "parent", "duplicate", "gone", "structural", "run-level", "unknown"
]  # the classes of the error catalogue
RecordOperation = Literal["upsert", "update", "delete"]
StreamOperation = Literal["upsert", "update"]
RunOutcome = Literal["running", "complete", "held", "waiting_for_credits", "waiting_for_job", "failed"]
AttemptOutcome = Literal["refused", "accepted", "gone"]

"""A batch: consecutive rows with one action, and the verdict of the local rules on each row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SUPERSEDED = "CRM_EXPORT_SUPERSEDED"
SET_ASIDE = "CRM_EXPORT_SET_ASIDE"


@dataclass(frozen=True)
class Row:
    """A row of a batch as it will be sent. `verdict` is the code of a local rule it breaks, or why it is not sent."""

    ordinal: int
    key: str
    external_id: str | None
    record: str | None
    verdict: str | None
    payload: Any = None
    created: str | None = None  # JSON members that are sent only when the record is new to Salesforce
    lock: int | None = None  # hash of the parent that Salesforce locks while it writes the record; None: it has none

    @property
    def is_rejected_locally(self) -> bool:
        """Return whether a local rule rejects the row."""
        return self.verdict is not None and self.verdict not in {SUPERSEDED, SET_ASIDE}


@dataclass(frozen=True)
class Batch:
    """A planned batch of consecutive rows with one action: upsert, update or delete."""

    id: int
    action: str
    rows: tuple[Row, ...]
    shared_key: str | None = None  # the key of two rows with one position: nothing was planned

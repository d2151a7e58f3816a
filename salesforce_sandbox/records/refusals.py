"""How Salesforce says no: to a record, and to a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class RecordRefused(Exception):  # noqa: N818 - Salesforce's wording
    """A record is refused: data in a Collections answer, the status of a single-record call."""

    code: str
    message: str
    fields: tuple[str, ...] = ()

    def as_status(self) -> dict[str, Any]:
        """Return the error as Collections and Bulk write it."""
        return {"statusCode": self.code, "message": self.message, "fields": list(self.fields)}


@dataclass
class RequestRefused(Exception):  # noqa: N818 - Salesforce's wording
    """A request is refused as a whole."""

    status: int
    code: str
    message: str

    def as_body(self) -> list[dict[str, str]]:
        """Return the error body of the REST API."""
        return [{"message": self.message, "errorCode": self.code}]

"""Salesforce's rejections: of a record, and of a request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class RecordRejected(Exception):  # noqa: N818 - Salesforce's wording
    """A record is rejected: a row in a Collections answer, the status of a single-record call.

    `more` are additional keys of a single-record answer, `others` additional errors of the record. `fields` is None if
    the single-record answer has no such key.
    """

    code: str
    message: str
    fields: tuple[str, ...] | None = ()
    more: Mapping[str, Any] = field(default_factory=dict)
    others: tuple[RecordRejected, ...] = ()

    def __iter__(self) -> Iterator[RecordRejected]:
        """Yield this error and the others."""
        yield self
        yield from self.others

    def as_statuses(self) -> list[dict[str, Any]]:
        """Return the errors as Collections and Bulk v1 write them."""
        return [{"statusCode": each.code, "message": each.message, "fields": list(each.fields or ())} for each in self]

    def as_body(self) -> list[dict[str, Any]]:
        """Return the errors as a single-record call writes them."""
        return [
            dict(each.more)
            | {"message": each.message, "errorCode": each.code}
            | ({} if each.fields is None else {"fields": list(each.fields)})
            for each in self
        ]


@dataclass
class RequestRejected(Exception):  # noqa: N818 - Salesforce's wording
    """A request is rejected as a whole; `more` are additional keys of the answer."""

    status: int
    code: str
    message: str
    more: Mapping[str, Any] = field(default_factory=dict)

    def as_body(self) -> list[dict[str, Any]]:
        """Return the error body of the REST API."""
        return [{"message": self.message, "errorCode": self.code} | dict(self.more)]


@dataclass
class BodyRejected(RequestRejected):
    """A request is rejected for a value in its body; the answer ends with the place of that value."""

    value: Any = None


def no_such_column(given: str, object_name: str) -> RecordRejected:
    """Return the rejection of a record with a field that does not exist or cannot be seen."""
    return RecordRejected("INVALID_FIELD", f"No such column '{given}' on sobject of type {object_name}", None)

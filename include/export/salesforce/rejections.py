"""Rejections of single records, by Salesforce or by a local rule: data, never exceptions."""

from __future__ import annotations

import re
from dataclasses import dataclass

from include.export.salesforce.error_catalogue import Catalogue, ErrorClass, Verdict

MESSAGE_LIMIT = 4096  # characters kept of Salesforce's message (docs/salesforce-behaviour.md#messages)
CODE_LIMIT = 100

_LOCAL_MESSAGES = {
    "CRM_EXPORT_BLANK_EXTERNAL_ID": "The external id is empty: Salesforce cannot identify the record.",
    "CRM_EXPORT_EXTERNAL_ID_CONFLICT": ("Another live row has the same external id; one would overwrite the other."),
    "CRM_EXPORT_EXTERNAL_ID_TOO_LONG": "The external id is longer than the 255 characters that the field allows.",
    "CRM_EXPORT_MALFORMED_ID": "The value is not a Salesforce id, which has 15 or 18 letters and digits.",
    "CRM_EXPORT_DUPLICATE_EXTERNAL_ID": "Salesforce has several records with this external id; none was changed.",
    "CRM_EXPORT_VALUE_NOT_SENDABLE": "Salesforce cannot hold the value: not finite, or a date outside 1700-4000.",
    "CRM_EXPORT_VALUE_TOO_LONG": "The value is longer than the 131,072 characters that a field allows.",
    "CRM_EXPORT_RECORD_TOO_LARGE": "The record is larger than the 400,000 characters that Salesforce allows.",
    "CRM_EXPORT_ROW_UNREADABLE": "Postgres cannot read the row: an expression of the source fails on its values.",
    "CRM_EXPORT_RECORD_NOT_FOUND": "Salesforce has no record with this external id, and this stream only updates.",
}


@dataclass(frozen=True)
class Rejection:
    """One rejected record of a batch; `ordinal` is its position in the manifest, from 1."""

    ordinal: int
    code: str
    message: str
    verdict: Verdict
    fields: tuple[str, ...] = ()
    salesforce_id: str | None = None

    def as_row(self) -> dict[str, object]:
        """Return the rejection as `errors_record.sql` takes it."""
        parent = self.verdict.missing_parent
        return {
            "ordinal": self.ordinal,
            "code": self.code,
            "name": self.verdict.name,
            "class": str(self.verdict.error_class),
            "message": self.message,
            "fields": list(self.fields),
            "salesforce_id": self.salesforce_id,
            "parent_object": parent[0] if parent else None,
            "parent_external_id": parent[2] if parent else None,
        }


@dataclass(frozen=True)
class RejectedClass:
    """Rejections of one class in a job: how many, and a few of them."""

    error_class: ErrorClass
    count: int
    samples: tuple[Rejection, ...]


def judge_rejection(
    catalogue: Catalogue,
    ordinal: int,
    code: str,
    message: str,
    fields: tuple[str, ...] = (),
    salesforce_id: str | None = None,
) -> Rejection:
    """Return the rejection of one record with its verdict; NUL is replaced and long text is cut."""
    verdict = catalogue.classify(code, message)
    return Rejection(
        ordinal,
        _storable(verdict.code or code, CODE_LIMIT),
        _storable(message, MESSAGE_LIMIT),
        verdict,
        tuple(re.sub(r"[^\w.]", "", name)[:CODE_LIMIT] for name in fields[:50]),  # API names, which go into logs
        salesforce_id,
    )


def reject_locally(catalogue: Catalogue, ordinal: int, code_and_field: str) -> Rejection:
    """Return the rejection of a record by a local rule, given as `CODE` or `CODE:field`."""
    code, _, name = code_and_field.partition(":")
    verdict = catalogue.classify(code, _LOCAL_MESSAGES[code])
    fields = (name,) if name else ()
    return Rejection(ordinal, code, _LOCAL_MESSAGES[code], verdict, fields)


def _storable(text: str, limit: int) -> str:
    clean = text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"

"""The text of a rejection in a Bulk job's result file (docs/salesforce-behaviour.md#result-files)."""

from __future__ import annotations

import re

_CODE = re.compile(r"^([A-Z][A-Z0-9_]*):")
_FIELDS = re.compile(r"^[A-Za-z][\w.]*(?:, ?[A-Za-z][\w.]*)*$")


def read_job_error(text: str) -> tuple[str, str, tuple[str, ...]]:
    """Return code, message and fields of `CODE:message:Field1,Field2 --`; the message may contain colons.

    A text without a code is returned as the message, with the code NO_ERROR_CODE.
    """
    found = _CODE.match(text)
    if not found:
        return "NO_ERROR_CODE", text, ()
    rest = text[found.end() :].rstrip()
    rest = rest.removesuffix("--").rstrip()
    message, colon, last = rest.rpartition(":")
    if not colon:
        return found[1], rest, ()
    named = last.strip()
    if not named:
        return found[1], message, ()
    return (found[1], message, tuple(re.split(r", ?", named))) if _FIELDS.match(named) else (found[1], rest, ())

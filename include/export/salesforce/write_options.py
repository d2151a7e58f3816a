"""How a stream's writes use the org's assignment rules and duplicate rules."""

from __future__ import annotations

from include.export.streams import DuplicateRule, Stream


def write_headers(stream: Stream) -> dict[str, str]:
    """Return the headers of a stream's writes.

    Without Sforce-Auto-Assign Salesforce runs the active assignment rule of a Lead, a Case or an Account, and the
    owner of the record may change with every export.
    """
    rule = stream.assignment_rule
    headers = {"Sforce-Auto-Assign": rule if isinstance(rule, str) else str(rule).upper()}
    if stream.duplicate_rule is DuplicateRule.ALLOW:
        headers["Sforce-Duplicate-Rule-Header"] = "allowSave=true"
    return headers


def find_bulk_obstacle(stream: Stream) -> str | None:
    """Return the option of a stream that Bulk API does not support, None when Bulk jobs may send its rows.

    A job accepts the id of one assignment rule, and no duplicate rule header.
    """
    if stream.duplicate_rule is DuplicateRule.ALLOW:
        return "duplicate_rule: allow"
    return "assignment_rule: true" if stream.assignment_rule is True else None

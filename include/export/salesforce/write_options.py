"""What a stream's writes ask of the org's automation: assignment rules and duplicate rules."""

from __future__ import annotations

from include.export.streams import DuplicateRule, Stream


def write_headers(stream: Stream) -> dict[str, str]:
    """Return the headers of a stream's writes.

    Without the first one Salesforce runs the active assignment rule of a Lead, a Case or an Account, and the owner of
    the record may change with every export.
    """
    rule = stream.assignment_rule
    headers = {"Sforce-Auto-Assign": rule if isinstance(rule, str) else str(rule).upper()}
    if stream.duplicate_rule is DuplicateRule.ALLOW:
        headers["Sforce-Duplicate-Rule-Header"] = "allowSave=true"
    return headers


def find_bulk_obstacle(stream: Stream) -> str | None:
    """Return the option of a stream that Bulk API cannot carry, None when its rows may go as Bulk jobs.

    A job takes the id of one assignment rule, and no duplicate rule header.
    """
    if stream.duplicate_rule is DuplicateRule.ALLOW:
        return "duplicate_rule: allow"
    return "assignment_rule: true" if stream.assignment_rule is True else None

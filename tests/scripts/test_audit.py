"""The audit: a vulnerability fails it, and a package that was not looked up never counts as clean."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scripts import audit
from scripts.audit import CLEAN, FOUND, NOT_AUDITED, judge, read_answer

GOOD = {"name": "good", "version": "1.0", "vulns": []}
BAD = {"name": "bad", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]}
SKIPPED = {"name": "skipped", "skip_reason": "Dependency not found on PyPI and could not be audited: skipped (1.0)"}


def answer(*listed: dict[str, Any], error: str = "") -> audit.Lookup:
    return read_answer("pypi", json.dumps({"dependencies": list(listed), "fixes": []}), error)


@pytest.mark.parametrize(
    ("lookups", "status"),
    [
        ([answer(GOOD)], CLEAN),
        ([answer(GOOD, BAD)], FOUND),
        ([answer(GOOD, SKIPPED)], NOT_AUDITED),
        ([answer(BAD, SKIPPED)], FOUND),
        ([answer()], NOT_AUDITED),
        ([read_answer("osv", "", "ConnectionError: no route")], NOT_AUDITED),
        ([answer(GOOD, SKIPPED), read_answer("osv", "<html>", "")], NOT_AUDITED),
        ([answer(GOOD, SKIPPED), answer(GOOD)], CLEAN),
        ([answer(BAD, SKIPPED), answer(GOOD)], FOUND),
    ],
)
def test_the_exit_status_says_what_is_known(lookups: list[audit.Lookup], status: int) -> None:
    assert judge(lookups) == status


def test_what_was_not_looked_up_is_named() -> None:
    assert (
        answer(GOOD, SKIPPED).summarize() == "pypi: 1 packages looked up, 0 vulnerabilities, NOT AUDITED: 1 (skipped …)"
    )
    assert (
        read_answer("osv", "", "x\nConnectionError: no route").summarize()
        == "osv: NOT AUDITED (ConnectionError: no route)"
    )
    assert answer(BAD).vulnerabilities == ("bad 1.0: PYSEC-1, fixed in 1.1",)


def test_a_finding_of_bandit_needs_a_reason_on_its_line() -> None:
    finding = {
        "filename": "include/export/streams/strict_yaml.py",
        "line_number": 1,
        "test_id": "B506",
        "issue_text": "yaml",
    }
    lines = (audit.ROOT / finding["filename"]).read_text().splitlines()  # type: ignore[operator]
    with_reason = next(number for number, line in enumerate(lines, start=1) if "noqa: S506" in line)
    assert audit.has_reason(finding | {"line_range": [with_reason]})
    assert not audit.has_reason(finding | {"line_range": [1, 2]})
    assert audit.format_finding(finding) == "include/export/streams/strict_yaml.py:1 B506 yaml"

"""Every check of docs/sandbox-checks.md is a test that names its number."""

from __future__ import annotations

import re
from pathlib import Path

CHECKS = 67


def named(name: str) -> set[int]:
    """Return the numbers in the name of a test: check_7, checks_1_and_2, checks_3_to_5, check_13_ and so on."""
    found = re.match(r"test_checks?_(\d+)(?:_(to|and)_(\d+))?", name)
    if not found:
        return set()
    first, word, last = int(found[1]), found[2], int(found[3] or found[1])
    return set(range(first, last + 1)) if word == "to" else {first, last}


def test_every_check_has_a_test() -> None:
    tests = "\n".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    covered = set().union(*(named(name) for name in re.findall(r"^def (test_\w+)", tests, re.MULTILINE)))
    assert set(range(1, CHECKS + 1)) - covered == set()

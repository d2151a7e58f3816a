"""docs/fault-matrix.md and the tests agree: every row has a test, every number has a row."""

from __future__ import annotations

import pytest

from fault_matrix import NUMBERS, ROOT, find_marked, read_table

WRITE = "run .venv/bin/python tests/support/fault_matrix.py"


def test_the_table_has_every_row() -> None:
    assert [number for number in read_table() if not number.startswith("field ")] == NUMBERS


def test_every_row_has_a_test_that_carries_its_number() -> None:
    rows, marked = set(read_table()), set(find_marked())
    assert marked - rows == set(), "a test names no row"
    assert rows - marked == set(), "a row has no test"


def test_the_table_names_the_tests_that_carry_the_numbers() -> None:
    marked = find_marked()
    table = read_table()
    assert {number: tests for number, tests in table.items() if tests} == marked, WRITE


def test_the_tests_that_the_table_names_are_collected(request: pytest.FixtureRequest) -> None:
    collected = {item.nodeid.partition("[")[0] for item in request.session.items}
    files = {nodeid.partition("::")[0] for nodeid in collected}
    narrowed = request.config.getoption("keyword") or request.config.getoption("markexpr")
    for tests in read_table().values():
        for test in tests:
            file = test.partition("::")[0]
            assert (ROOT / file).is_file(), test
            if file in files and not narrowed:
                assert any(nodeid == test or nodeid.startswith(f"{test}::") for nodeid in collected), test

"""The fault matrix: docs/fault-matrix.md and the tests that carry its numbers. As a program it writes the tests."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "docs" / "fault-matrix.md"
GROUPS = {"A": 16, "B": 22, "C": 18, "D": 9, "E": 9, "F": 12, "G": 9, "H": 8}
NUMBERS = [f"{group}{n}" for group, count in GROUPS.items() for n in range(1, count + 1)]
_ROW = re.compile(r"^\| ([A-H]\d+|field \w+) \| (.+) \| (.+) \| (.*)\|$")
_MARKERS = {"pytest.mark.fault": "", "pytest.mark.field": "field "}  # marker and the prefix of its numbers in the table


def read_table() -> dict[str, list[str]]:
    """Return the tests of each row of the table: number -> `tests/file.py::name`."""
    rows: dict[str, list[str]] = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        found = _ROW.match(line)
        if found:
            if found[1] in rows:
                raise ValueError(f"{TABLE.name} has two rows {found[1]}")
            rows[found[1]] = re.findall(r"`(tests/[^`]+)`", found[4])
    return rows


def find_marked() -> dict[str, list[str]]:
    """Return the tests that carry each number: number -> `tests/file.py::name`, without importing the tests."""
    marked: dict[str, list[str]] = defaultdict(list)
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        for name, number in _marks(ast.parse(file.read_text(encoding="utf-8")), ""):
            marked[number].append(f"{file.relative_to(ROOT)}::{name}")
    return dict(marked)


def write_table() -> None:
    """Write the last column of the table."""
    marked = find_marked()
    lines = []
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        found = _ROW.match(line)
        if found:
            tests = "<br>".join(f"`{test}`" for test in marked.get(found[1], ()))
            line = f"| {found[1]} | {found[2]} | {found[3]} | {tests} |".replace("|  |", "| |")
        lines.append(line)
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _marks(tree: ast.Module | ast.ClassDef, prefix: str) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            for number in _numbers_of(node):
                yield prefix + node.name, number
        if isinstance(node, ast.ClassDef):
            yield from _marks(node, f"{prefix}{node.name}::")


def _numbers_of(node: ast.ClassDef | ast.FunctionDef) -> Iterator[str]:
    for decorator in node.decorator_list:
        prefix = _MARKERS.get(ast.unparse(decorator.func)) if isinstance(decorator, ast.Call) else None
        if isinstance(decorator, ast.Call) and prefix is not None:
            yield from (prefix + str(ast.literal_eval(argument)) for argument in decorator.args)


if __name__ == "__main__":
    write_table()

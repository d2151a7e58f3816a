"""The layers of the code are contracts that can fail, and functions, classes and modules stay small."""

from __future__ import annotations

import ast
import os
import shutil
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
CONTRACTS = {contract["name"]: contract for contract in PROJECT["contracts"]}
FOLDERS = {name: "plugins" if name == "crm_export" else "." for name in PROJECT["root_packages"]}
MEASURED = ("include", "plugins", "dags")
MEDIAN_LINES, MOST_LINES, LONGEST_LINES = 6, 15, 40  # of a function: the median, nine of ten, the longest
MODULE_LINES, CLASS_METHODS = 250, 15
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def find_file(root: Path, module: str) -> Path:
    """Return a file of a module or package."""
    path = root / FOLDERS[module.split(".")[0]] / Path(*module.split("."))
    if path.with_suffix(".py").exists():
        return path.with_suffix(".py")
    package = path / "__init__.py"
    return package if package.exists() else min(path.glob("*.py"))


def find_children(root: Path, pattern: str) -> list[str]:
    """Return the modules that `package.*` stands for."""
    package = pattern.removesuffix(".*")
    folder = find_file(root, package).parent
    return sorted(f"{package}.{path.stem}" for path in folder.glob("*.py") if path.stem != "__init__")


def plan_breach(root: Path, contract: dict[str, Any]) -> list[tuple[str, str]]:
    """Return modules, each with an import that its contract forbids."""
    if contract["type"] == "forbidden":
        return [(contract["source_modules"][-1], contract["forbidden_modules"][0])]
    if contract["type"] == "protected":
        return [("include.export.failures", find_children(root, contract["protected_modules"][0])[0])]
    if contract["type"] == "acyclic_siblings":
        first, second, *_ = find_children(root, contract["ancestors"][0])
        return [(first, second), (second, first)]
    container = "".join(f"{each}." for each in contract.get("containers", ()))
    highest, lowest = (contract["layers"][at].split("|")[0].strip() for at in (0, -1))
    return [(container + lowest, container + highest)]


def lint(root: Path) -> str:
    """Return the output of lint-imports for a tree."""
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    environment = os.environ | {"PYTHONPATH": f"{root}:{root / 'plugins'}", "COLUMNS": "200"}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False).stdout


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the modules of the root packages."""
    root = tmp_path_factory.mktemp("tree")
    shutil.copy(ROOT / "pyproject.toml", root)
    for name, folder in FOLDERS.items():
        for path in (ROOT / folder / name).rglob("*.py"):
            copy = root / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
    return root


def test_every_contract_is_kept(tree: Path) -> None:
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in lint(tree)


@pytest.mark.parametrize("name", CONTRACTS)
def test_a_planted_import_breaks_the_contract(tree: Path, name: str) -> None:
    breach = {find_file(tree, module): imported for module, imported in plan_breach(tree, CONTRACTS[name])}
    before = {path: path.read_text() for path in breach}
    for path, imported in breach.items():
        path.write_text(f"{before[path]}\nimport {imported}\n")
    try:
        assert f"{name} BROKEN" in lint(tree)
    finally:
        for path, text in before.items():
            path.write_text(text)


def measured_files() -> list[Path]:
    """Return the modules whose shape is measured."""
    files = [path for folder in MEASURED for path in sorted((ROOT / folder).rglob("*.py"))]
    assert len(files) > 100
    return files


def count_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function without its decorators and docstring."""
    first = function.body[0]
    documented = ast.get_docstring(function, clean=False) is not None
    docstring = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
    return (function.end_lineno or 0) - function.lineno + 1 - docstring


def walk(path: Path) -> Iterator[ast.AST]:
    """Yield the nodes of a module."""
    yield from ast.walk(ast.parse(path.read_text()))


def test_functions_are_short() -> None:
    found = {
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}": count_lines(node)
        for path in measured_files() for node in walk(path) if isinstance(node, FUNCTIONS)
    }  # fmt: skip
    sizes = sorted(found.values())
    assert [name for name, size in found.items() if size > LONGEST_LINES] == []
    assert statistics.median(sizes) <= MEDIAN_LINES
    assert sizes[len(sizes) * 9 // 10] <= MOST_LINES


def test_classes_have_few_methods() -> None:
    found = {
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}": sum(isinstance(each, FUNCTIONS) for each in node.body)
        for path in measured_files() for node in walk(path) if isinstance(node, ast.ClassDef)
    }  # fmt: skip
    assert {name: count for name, count in found.items() if count > CLASS_METHODS} == {}


def test_modules_are_short() -> None:
    lines = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in measured_files()}
    assert {name: count for name, count in lines.items() if count > MODULE_LINES} == {}

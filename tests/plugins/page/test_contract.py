"""The contract of the page's API: every route has one, and the committed files match the server's."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from fastapi.routing import APIRoute

from crm_export.page.app import make_api
from crm_export.page.contract import BODIES, describe_api, write_contract
from crm_export.page.failures import ErrorCode
from include.export.ledger import Outcome
from include.export.reports import ErrorKind, ErrorStatus, RecordOperation, RunOutcome
from include.export.salesforce import ErrorClass

pytestmark = pytest.mark.filterwarnings("default")  # warnings of Airflow while it is imported
FRONTEND = Path(__file__).resolve().parents[3] / "plugins" / "crm_export" / "page" / "frontend"
DOWNLOADS = {"/api/errors.csv"}  # not JSON


def test_every_route_names_what_it_answers_and_what_it_takes() -> None:
    document = describe_api()
    routes = [route for route in make_api().routes if isinstance(route, APIRoute) and route.path.startswith("/api")]
    assert len(routes) > 10
    for route in routes:
        for method in route.methods:
            operation = document["paths"][route.path][method.lower()]
            [status] = [code for code in operation["responses"] if code != "default"]
            answered = operation["responses"][status].get("content", {}).get("application/json", {}).get("schema")
            assert (route.path in DOWNLOADS) or answered, route.path
            assert (route.path in DOWNLOADS) or set(answered) == {"$ref"}, f"{route.path}: a named model"
            assert (method == "GET") is ("requestBody" not in operation), route.path
    assert {path for _, path in BODIES} <= set(document["paths"])
    assert [name for name, schema in document["components"]["schemas"].items() if not described(schema)] == []


def described(schema: dict[str, Any]) -> bool:
    """Return whether a model declares its fields at every level, without untyped objects."""
    return all(
        "$ref" in node or "properties" in node or "additionalProperties" in node
        for node in walk(schema)
        if node.get("type") == "object"
    )


def walk(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for part in node.values() if isinstance(node, dict) else node if isinstance(node, list) else []:
        yield from walk(part)


def test_the_committed_contract_is_that_of_the_server() -> None:
    committed = (FRONTEND / "openapi.json").read_text()
    assert committed == write_contract(describe_api()), "make page, and commit what it writes"


@pytest.mark.skipif(
    shutil.which("npm") is None or not (FRONTEND / "node_modules").is_dir(),
    reason="what the types are made with is not installed: sh scripts/build-page install",
)
def test_the_types_of_the_front_end_are_made_from_the_contract(tmp_path: Path) -> None:
    made = tmp_path / "contract.ts"
    command = ["npm", "run", "--silent", "contract", "--", "-o", str(made)]
    done = subprocess.run(command, cwd=FRONTEND, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert made.read_text() == (FRONTEND / "src" / "api" / "contract.ts").read_text(), "make page, and commit it"


def test_every_word_of_the_contract_has_a_text() -> None:
    texts = json.loads((FRONTEND / "src" / "language" / "en.json").read_text())
    assert set(get_args(ErrorCode)) - {"already_requested", "invalid", "misconfigured"} <= set(texts["failure"])
    assert set(get_args(ErrorStatus)) == set(texts["status"])
    assert (
        set(get_args(RunOutcome))
        == set(texts["outcome"])
        == {str(outcome) for outcome in Outcome if outcome is not Outcome.ALREADY_RUNNING} | {"running"}
    )
    assert set(get_args(ErrorKind)) == set(texts["class"]) == {str(kind) for kind in ErrorClass}
    assert set(get_args(RecordOperation)) == {"upsert", "update", "delete"}

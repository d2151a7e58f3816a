"""The contract of the page's API as OpenAPI, from which the front end's types are generated (`make page`).

`python -m crm_export.page.contract FILE` writes it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from crm_export.page.app import make_api
from crm_export.page.failures import FailureAnswer
from crm_export.page.routes.actions import ActionBody
from crm_export.page.routes.alerts import ReadBody
from crm_export.page.routes.dags import PauseBody
from crm_export.page.routes.errors import NothingBody
from crm_export.page.routes.inspection import CheckBody
from crm_export.page.routes.resends import ResendBody
from crm_export.page.routes.settings import SettingBody
from crm_export.page.routes.trials import TrialBody

# bodies are read by hand (guards), so FastAPI does not see them
BODIES: dict[tuple[str, str], type[BaseModel]] = {
    ("put", "/api/settings/{variable_key}"): SettingBody,
    ("post", "/api/errors/{error}/source-row"): NothingBody,
    ("post", "/api/trials"): TrialBody,
    ("post", "/api/actions/preview"): ActionBody,
    ("post", "/api/actions"): ActionBody,
    ("post", "/api/dags/{dag_id}/runs"): NothingBody,
    ("put", "/api/dags/{dag_id}"): PauseBody,
    ("post", "/api/alerts/read"): ReadBody,
    ("post", "/api/streams/{stream}/resends/preview"): ResendBody,
    ("post", "/api/streams/{stream}/resends"): ResendBody,
    ("post", "/api/check"): CheckBody,
    ("post", "/api/streams/{stream}/plan"): NothingBody,
}
_REFERENCE = "#/components/schemas/{model}"


def describe_api(api: FastAPI | None = None) -> dict[str, Any]:
    """Return the OpenAPI document of the page's routes: what they take, what they answer, how they fail."""
    document = (api or make_api()).openapi()
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        if "properties" in schema:
            schema["required"] = list(schema["properties"])  # an answer carries every field
    models = [(model, "validation") for model in dict.fromkeys([*BODIES.values(), FailureAnswer])]
    _, described = models_json_schema(models, ref_template=_REFERENCE)  # type: ignore[arg-type] # same literals
    schemas |= described["$defs"]
    for (method, path), model in BODIES.items():
        document["paths"][path][method]["requestBody"] = {"required": True, "content": _as_json(model)}
    for operation in (one for path in document["paths"].values() for one in path.values()):
        operation["responses"] = {
            code: answer for code, answer in operation["responses"].items() if code.startswith("2")
        } | {"default": {"description": "Rejected or failed", "content": _as_json(FailureAnswer)}}
        operation.pop("security", None)
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)  # failures.py answers these in its own form
    document["components"] = {"schemas": schemas}  # Airflow handles the login
    return dict(_drop_titles(document) | {"info": document["info"]})


def write_contract(document: dict[str, Any]) -> str:
    """Return the document as it is in the committed file."""
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def _drop_titles(node: Any) -> Any:
    if isinstance(node, list):
        return [_drop_titles(part) for part in node]
    if not isinstance(node, dict):
        return node
    return {name: _drop_titles(part) for name, part in node.items() if not (name == "title" and isinstance(part, str))}


def _as_json(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REFERENCE.format(model=model.__name__)}}}


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(write_contract(describe_api()))

"""`make reference`: generates the reference pages from the code: the error catalogue and the API of the page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from crm_export.page.contract import describe_api
from include.export.salesforce import Catalogue, load_catalogue

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "reference"
_NOTE = "This page is made from the code by `make reference`; a test compares them."

Json = Mapping[str, Any]


def write_catalogue(catalogue: Catalogue) -> str:
    """Return the page of the error catalogue: a line for each code, and for each message with another meaning."""
    file = catalogue.file
    lines = [
        "# Error catalogue", "",
        "What a code of Salesforce means here and what to do about it. The page and the messages of runs use these",
        f"names. The file `include/error_catalogue.yaml` explains the classes. {_NOTE}", "",
        "| code | name | class | what to do |", "|---|---|---|---|",
    ]  # fmt: skip
    for code, entry in sorted(file.codes.items()):
        lines.append(_row(f"`{code}`", entry.name, entry.error_class, entry.do))
        lines += [
            _row(f"… with “{variant.contains[0]}”", variant.name, variant.error_class, variant.do)
            for variant in entry.messages
        ]
    lines.append(_row("any other", file.unknown.name, file.unknown.error_class, file.unknown.do))
    return "\n".join(lines) + "\n"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def write_page_api(document: Json) -> str:
    """Return the page of the API: each route with its parameters and responses, then the models."""
    lines = [
        "# The API of the page", "",
        "The page *CRM Export* reads and decides through this API, below `/crm-export` of Airflow's API server. It",
        "takes Airflow's login and its rights ([the page](../explanation/page.md)). Errors are answered as",
        f"`FailureAnswer`. As OpenAPI: `plugins/crm_export/page/frontend/openapi.json`. {_NOTE}", "",
        "## Routes", "",
        "| route | what it does | takes | answers |", "|---|---|---|---|",
        *(_route(method, path, operation) for path, operations in sorted(document["paths"].items())
          for method, operation in operations.items()),
        "", "## Models", "",
    ]  # fmt: skip
    for name, schema in sorted(document["components"]["schemas"].items()):
        lines += _model(name, schema)
    return "\n".join(lines).rstrip() + "\n"


def _route(method: str, path: str, operation: Json) -> str:
    parameters = [f"`{each['name']}`" for each in operation.get("parameters", ())]
    body = [_type(content["schema"]) for content in operation.get("requestBody", {}).get("content", {}).values()]
    [(status, answer), *_] = [(code, each) for code, each in operation["responses"].items() if code.startswith("2")]
    answered = [_type(content.get("schema", {})) for content in answer.get("content", {}).values()]
    text = " ".join(operation.get("description", "").split("\n\n")[0].split())
    return _row(
        f"`{method.upper()} {path}`", text, ", ".join(parameters + body), f"{status} {', '.join(answered)}".strip()
    )


def _model(name: str, schema: Json) -> Iterator[str]:
    text = " ".join(schema.get("description", "").split())
    yield from (f"### {name}", "")
    if text:
        yield from (text, "")
    if "enum" in schema:
        yield from (", ".join(f"`{value}`" for value in schema["enum"]), "")
    if schema.get("properties"):
        yield from ("| field | type |", "|---|---|")
        yield from (_row(f"`{field}`", _type(kind)) for field, kind in schema["properties"].items())
        yield ""


def _type(schema: Json) -> str:
    """Return a short name of a JSON Schema type."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(text for text, _ in groupby(_type(each) for each in schema["anyOf"]))
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if schema.get("format"):
        return str(schema["format"])
    return str(schema.get("type", "anything"))


def make_pages() -> dict[str, str]:
    """Return the pages by the names of their files."""
    contract = json.loads(json.dumps(describe_api()))
    return {"error-catalogue.md": write_catalogue(load_catalogue()), "page-api.md": write_page_api(contract)}


def main() -> None:
    """Write the pages."""
    for name, text in make_pages().items():
        (PAGES / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

"""`schema`: the JSON Schemas of the configuration files, for editors."""

from __future__ import annotations

import argparse
import json
from typing import Any

from crm_export.command_line.output import OK, Output
from include.export.alerts import AlertsFile
from include.export.streams import Stream


def describe_stream_file() -> dict[str, Any]:
    """Return the JSON Schema of a stream file; the stream's name is the file's."""
    schema = Stream.model_json_schema()
    schema["properties"].pop("name")
    schema["required"].remove("name")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Stream of CRM Export"}


def describe_alerts_file() -> dict[str, Any]:
    """Return the JSON Schema of alerts.yaml."""
    schema = AlertsFile.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Alerts of CRM Export"}


SCHEMAS = {"stream": describe_stream_file, "alerts": describe_alerts_file}


def write_schema(name: str) -> str:
    """Return the text of schemas/<name>.schema.json."""
    return json.dumps(SCHEMAS[name](), indent=2, ensure_ascii=False) + "\n"


def print_schema(asked: argparse.Namespace, output: Output) -> int:
    """Print a schema."""
    schema = SCHEMAS[asked.file]()
    output.add(**schema)
    output.line(write_schema(asked.file).rstrip())
    return OK

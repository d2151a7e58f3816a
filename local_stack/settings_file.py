"""airflow_settings.yaml: the connections and Variables of a local project, as Astro reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from local_stack.ports import Ports, StackError

_FIELDS = {
    "conn_id": "connection_id",
    "conn_type": "conn_type",
    "conn_host": "host",
    "conn_schema": "schema",
    "conn_login": "login",
    "conn_password": "password",
    "conn_port": "port",
    "conn_extra": "extra",
}
_PORTS = {"postgres": "15432", "sandbox_https": "18443"}  # as in the file


def read_connections(path: Path, ports: Ports, password: str) -> list[dict[str, Any]]:
    """Return the connections as Airflow's API takes them, with this stack's ports and its exporter's `password`."""
    connections = []
    for listed in _read(path).get("connections") or []:
        found = {ours: listed[theirs] for theirs, ours in _FIELDS.items() if listed.get(theirs) not in {None, ""}}
        if "extra" in found:
            found["extra"] = str(found["extra"]).replace(f":{_PORTS['sandbox_https']}/", f":{ports.sandbox_https}/")
        if str(found.get("port")) == _PORTS["postgres"]:
            found |= {"port": ports.postgres, "password": password}
        connections.append(found)
    return connections


def read_variables(path: Path) -> dict[str, str]:
    """Return the Variables; an empty value is skipped, as Astro does."""
    listed = _read(path).get("variables") or []
    return {each["variable_name"]: str(each["variable_value"]) for each in listed if each.get("variable_value")}


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return dict(content["airflow"])
    except (OSError, yaml.YAMLError, KeyError, TypeError) as wrong:
        raise StackError(f"{path.name} cannot be read ({' '.join(str(wrong).split())}); see Astro's docs.") from None

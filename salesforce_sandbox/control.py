"""A client of the control API."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

TIMEOUT = 30  # seconds


@dataclass(frozen=True)
class Control:
    """The control API of a sandbox at an address, with its token; `session` is used for the calls if given."""

    url: str
    token: str
    session: requests.Session | None = None

    @classmethod
    def from_ready_file(cls, path: Path) -> Control:
        """Return the control of the sandbox that wrote a ready file; raises OSError when the file does not exist."""
        ready = json.loads(path.read_text())
        return cls(ready["control_url"], ready["control_token"])

    def overview(self) -> Any:
        """Return counts of records, rules and API calls."""
        return self._call("GET", "")

    def reset(self) -> None:
        """Reset the org to its definition."""
        self._call("POST", "/reset", {})

    def add_records(self, object_name: str, records: list[dict[str, Any]]) -> list[str]:
        """Store records without checking rules and rights; returns their ids."""
        answer = self._call("POST", "/records", {"object": object_name, "records": records})
        return list(answer["ids"])

    def records(self, object_name: str) -> list[dict[str, Any]]:
        """Return the records of an object: id, fields, deleted."""
        return list(self._call("GET", f"/records/{object_name}"))

    def edit_record(self, object_name: str, record_id: str, fields: dict[str, Any]) -> None:
        """Edit a record without checking rules and rights."""
        self._call("PATCH", f"/records/{object_name}/{record_id}", fields)

    def delete_record(self, object_name: str, record_id: str) -> None:
        """Delete a record without checking rules and rights."""
        self._call("DELETE", f"/records/{object_name}/{record_id}")

    def history(self, object_name: str, id_or_key: str) -> list[dict[str, Any]]:
        """Return every write of a record, oldest first: at, operation, fields, request, user."""
        return list(self._call("GET", f"/history/{object_name}/{quote(id_or_key, safe='')}"))

    def writes(self, object_name: str) -> list[dict[str, Any]]:
        """Return every write of an object's records, oldest first: id, at, operation, fields, request, user."""
        return list(self._call("GET", f"/writes/{object_name}"))

    def values(self, object_name: str, id_or_key: str, field: str) -> list[Any]:
        """Return the values that a field of a record has had, in the order of their commits."""
        return [write["fields"][field] for write in self.history(object_name, id_or_key) if field in write["fields"]]

    def switch_rule(self, name: str, *, active: bool) -> None:
        """Switch a rule on or off."""
        self._call("POST", f"/rules/{name}", {"active": active})

    def change_field(self, object_name: str, field: str, **changes: Any) -> None:
        """Change a field's definition: hidden, read_only, length, required."""
        self._call("PATCH", f"/fields/{object_name}/{field}", changes)

    def change_object(self, object_name: str, **changes: Any) -> None:
        """Change an object's definition: createable, updateable, deletable."""
        self._call("PATCH", f"/objects/{object_name}", changes)

    def add_picklist_values(self, object_name: str, field: str, *values: str) -> None:
        """Add values to a picklist."""
        self._call("POST", f"/picklists/{object_name}/{field}", {"add": list(values)})

    def add_fault(self, **fault: Any) -> None:
        """Switch a fault on (`faults.Fault`)."""
        self._call("POST", "/faults", fault)

    def faults(self) -> list[dict[str, Any]]:
        """Return the faults that are switched on, each with the number of calls that it has `seen`."""
        return list(self._call("GET", "/faults"))

    def clear_faults(self) -> None:
        """Switch every fault off."""
        self._call("DELETE", "/faults")

    def add_job_fault(self, **fault: Any) -> None:
        """Switch a fault of Bulk jobs on (`faults.JobFault`)."""
        self._call("POST", "/job_faults", fault)

    def set_bulk(self, **settings: Any) -> None:
        """Change how Bulk jobs run (`settings.BulkSettings`)."""
        self._call("POST", "/bulk", settings)

    def set_requests(self, **settings: Any) -> None:
        """Change the sizes and times of requests (`settings.RequestSettings`)."""
        self._call("POST", "/request_settings", settings)

    def set_token_form(self, form: str) -> None:
        """Change what the access tokens of new sessions look like: session, opaque or jwt."""
        self._call("POST", "/sessions", {"form": form})

    def switch_maintenance(self, *, active: bool) -> None:
        """Begin or end maintenance: every path of Salesforce answers 503 meanwhile."""
        self._call("POST", "/maintenance", {"active": active})

    def switch_soap_login(self, *, active: bool) -> None:
        """Switch SOAP login on or off."""
        self._call("POST", "/soap_login", {"active": active})

    def expire_sessions(self) -> None:
        """End every session."""
        self._call("POST", "/sessions/expire", {})

    def set_limit(self, name: str, *, most: int, used: int = 0) -> None:
        """Change a limit."""
        self._call("POST", "/limits", {name: {"Max": most, "Used": used}})

    def requests(self, since: int = 0) -> list[dict[str, Any]]:
        """Return the requests on Salesforce paths, oldest first: n, method, path, body, status, user."""
        return list(self._call("GET", f"/requests?since={since}"))

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        request = self.session.request if self.session else requests.request
        headers = {"X-Sandbox-Token": self.token}
        answer = request(method, f"{self.url}/sandbox{path}", json=body, headers=headers, timeout=TIMEOUT)
        if not answer.ok:
            raise RuntimeError(f"The sandbox rejected {method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json()

"""The REST API of a sandbox without any client library."""

from __future__ import annotations

from typing import Any

import requests


class Rest:
    """The REST API without any client library."""

    def __init__(self, url: str, token: str, session: requests.Session | None = None) -> None:
        self.url = f"{url}/services/data/v59.0"
        self.session = session or requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        """Call a path below the version."""
        return self.session.request(method, f"{self.url}/{path}", json=body, timeout=10, **more)

    def upsert(self, records: list[dict[str, Any]], *, all_or_none: bool = False, object_name: str = "Account") -> Any:
        """Upsert records by Ext__c and return the results."""
        typed = [{"attributes": {"type": object_name}} | record for record in records]
        path = f"composite/sobjects/{object_name}/Ext__c"
        return self.call("PATCH", path, {"allOrNone": all_or_none, "records": typed}).json()

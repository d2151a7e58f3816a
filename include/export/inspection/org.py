"""Checks an org: the login, the descriptions of objects, and the remaining API calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from include.export.failures import ConfigurationFailure
from include.export.inspection.checklist import CheckLine, Checklist
from include.export.salesforce import SalesforceClient, read_list


@dataclass
class DescribedOrg:
    """An org whose objects are described at most once each."""

    client: SalesforceClient
    _answers: dict[str, Mapping[str, Any] | str] = field(default_factory=dict)  # a text is the failure's message

    def describe(self, name: str) -> Mapping[str, Any]:
        """Return Salesforce's description of an object; raises ConfigurationFailure when it has none."""
        if name not in self._answers:
            try:
                body = self.client.call("GET", f"sobjects/{name}/describe").body
                read_list(body, "fields", f"GET sobjects/{name}/describe")
                self._answers[name] = body
            except ConfigurationFailure as failure:
                self._answers[name] = str(failure)  # an exception would keep the client, and its socket, alive
        found = self._answers[name]
        if isinstance(found, str):
            raise ConfigurationFailure(found)
        return found


def check_login(name: str, client: SalesforceClient) -> list[CheckLine]:
    """Log in with a client and report how; `name` is its Airflow connection. Raises RunFailure when that fails."""
    checks, session = Checklist(name), client.session
    place = f"{session.instance_url}, org {session.organization_id}, API version {session.api_version}"
    if session.is_soap:
        checks.warn(
            "login",
            f"Logged in at {place} with user, password and security token. Salesforce retires this login in Summer "
            "'27, and API 65.0 and later do not have it. Change the connection to client credentials (consumer_key, "
            "consumer_secret, domain) or JWT (consumer_key, private_key, login) of an External Client App.",
        )
    else:
        checks.ok("login", f"Logged in at {place} with OAuth.")
    return checks.lines


def check_limits(name: str, client: SalesforceClient, calls: int, daily_limit: int) -> list[CheckLine]:
    """Compare the org's remaining API calls with those that the waiting rows take.

    `calls` is the estimate for the waiting rows, `daily_limit` the setting daily_crm_api_limit.
    """
    checks = Checklist(name)
    with checks.judge("limits"):
        body = client.call("GET", "limits").body
        found = body.get("DailyApiRequests") if isinstance(body, Mapping) else None
        if not isinstance(found, Mapping) or not isinstance(found.get("Remaining"), int):
            checks.warn("limits", "Salesforce did not return DailyApiRequests: the remaining API calls are unknown.")
            return checks.lines
        remaining, most = int(found["Remaining"]), int(found.get("Max") or 0)
        text = f"{remaining:,} of the org's {most:,} API calls are left today; the waiting rows take about {calls:,}."
        allowed = min(remaining, daily_limit)
        if remaining == 0:
            checks.fail("limits", f"{text} Wait until calls are available again (24 hours at most), or buy more.")
        elif calls > allowed:
            remedy = f"daily_crm_api_limit allows {daily_limit:,}. The export takes more than a day: raise it, or"
            checks.warn("limits", f"{text} {remedy} lower bulk_from in the stream files, so that jobs carry more rows.")
        else:
            checks.ok("limits", text)
    return checks.lines

"""A login to a Salesforce org: its address, its token, and which org it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests

from include.export.failures import ConfigurationFailure, SalesforceFailure

_ORGANIZATION = re.compile(r"/id/(00D\w{12})")


@dataclass(frozen=True)
class OrgSession:
    """A login: where the org is and the token to reach it.

    `organization` is the org's id where the login named it; `is_soap` says that it was one by user and password.
    """

    instance_url: str
    access_token: str = field(repr=False)
    http: requests.Session
    api_version: str
    organization: str = ""
    is_soap: bool = False

    @property
    def organization_id(self) -> str:
        """Return the 15-character org id: the login's, or the head of an access token; empty for tokens without one."""
        found = re.match(r"(00D\w{12})", self.organization or self.access_token)
        return found[1] if found else ""


def check_address(session: OrgSession) -> OrgSession:
    """Return a login whose address is safe to call; raises ConfigurationFailure for any other."""
    if urlsplit(session.instance_url).scheme != "https":
        raise ConfigurationFailure("Salesforce answered the login with an address that is not https. Rejected.")
    return session


def read_organization(identity: str) -> str:
    """Return the org id of an identity address (`…/id/<org>/<user>`), empty when it is none."""
    found = _ORGANIZATION.search(identity)
    return found[1] if found else ""


def require_organization(resources: Any) -> str:
    """Return the org id from the resources of a version of the API; raises SalesforceFailure when it has none.

    Without it a watermark could be continued in another org.
    """
    identity = resources.get("identity") if isinstance(resources, Mapping) else None
    found = read_organization(str(identity or ""))
    if not found:
        raise SalesforceFailure(
            "Salesforce does not name the org of this session (`identity` of its API version), so it cannot be checked"
            " that the connection still leads to the org of the watermark. Nothing was sent; the next attempt asks "
            "again."
        )
    return found

"""A login to a Salesforce org: its address, its token and the org's id."""

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

    `organization` is the org's id if the login named it; `is_soap` marks a SOAP login with user and password.
    """

    instance_url: str
    access_token: str = field(repr=False)
    http: requests.Session
    api_version: str
    organization: str = ""
    is_soap: bool = False

    @property
    def organization_id(self) -> str:
        """Return the 15-character org id from the login or the start of the access token; empty if neither has it."""
        found = re.match(r"(00D\w{12})", self.organization or self.access_token)
        return found[1] if found else ""


def check_address(session: OrgSession) -> OrgSession:
    """Return a login whose address is safe to call; raises ConfigurationFailure for any other."""
    if urlsplit(session.instance_url).scheme != "https":
        raise ConfigurationFailure(
            "Salesforce answered the login with an address that is not https, so nothing is sent to it. Correct the "
            "domain of the connection."
        )
    return session


def read_organization(identity: str) -> str:
    """Return the org id of an identity URL (`…/id/<org>/<user>`), empty for any other text."""
    found = _ORGANIZATION.search(identity)
    return found[1] if found else ""


def require_organization(resources: Any) -> str:
    """Return the org id from the resource list of an API version; raises SalesforceFailure when it has none.

    Without the id a stream could continue from its watermark in another org.
    """
    identity = resources.get("identity") if isinstance(resources, Mapping) else None
    found = read_organization(str(identity or ""))
    if not found:
        raise SalesforceFailure(
            "Salesforce does not name the org of this session (`identity` of its API version), so it is unknown whether"
            " the connection still leads to the org of the watermark. Nothing was sent; the next attempt checks again."
        )
    return found

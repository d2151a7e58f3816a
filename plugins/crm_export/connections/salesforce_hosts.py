"""The hosts that a login's credentials and an org's token may be sent to."""

from __future__ import annotations

import os
import re
from urllib.parse import SplitResult, urlsplit

from include.export.failures import ConfigurationFailure

VARIABLE = "CRM_EXPORT_SALESFORCE_HOSTS"
# My Domains and sandboxes, sites, the government clouds (Salesforce Help: My Domain URL formats; Allow the required
# domains). For Salesforce on Alibaba Cloud no such document was found: name its hosts in the variable.
FAMILIES = ("salesforce.com", "force.com", "salesforce.mil")
_OF_SALESFORCE = re.compile(rf"([a-z0-9-]+\.)+({'|'.join(map(re.escape, FAMILIES))})")
_LOGIN_PATHS = ("/services/oauth2/token", "/services/Soap/")


def check_login_address(url: str, connection: str) -> None:
    """Raise ConfigurationFailure unless credentials may be sent to an address.

    Otherwise somebody who may edit a connection but not read its secret could have it sent to a host of their own.
    """
    parts = urlsplit(url)
    if _is_named(parts):
        return
    plain = not (parts.username or parts.password or parts.query or parts.fragment)
    if not (_is_salesforce(parts) and plain and parts.path.startswith(_LOGIN_PATHS)):
        raise ConfigurationFailure(
            f"Connection {connection}: its domain leads to {_show(parts)}, which is not a Salesforce login host; the "
            "credentials were not sent. The domain is the part before .salesforce.com, as in acme.my or test, without "
            f"/ # @ or ?. To allow another host, name it in the environment variable {VARIABLE} of every component."
        )


def check_org_address(host: str, connection: str) -> None:
    """Raise ConfigurationFailure unless an org's token may be sent to a host (with or without a port)."""
    parts = urlsplit(f"https://{host}")
    if not (_is_named(parts) or _is_salesforce(parts)):
        raise ConfigurationFailure(
            f"The login of connection {connection} was answered with an org at {_show(parts)}, which is not a "
            f"Salesforce host; nothing was sent there. To allow it, name it in the environment variable {VARIABLE}."
        )


def _is_named(parts: SplitResult) -> bool:
    named = os.environ.get(VARIABLE, "").replace(",", " ").lower().split()
    return parts.scheme == "https" and parts.hostname in named


def _is_salesforce(parts: SplitResult) -> bool:
    return parts.scheme == "https" and _OF_SALESFORCE.fullmatch(parts.hostname or "") is not None


def _show(parts: SplitResult) -> str:
    return repr((parts.hostname or "no host")[:100])

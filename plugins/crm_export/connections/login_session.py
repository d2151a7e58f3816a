"""The HTTP session of a login. It adds what simple_salesforce leaves out: timeouts, redirects, the org, and SOAP."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

import requests

from crm_export.connections.salesforce_hosts import check_login_address
from include.export.failures import ConfigurationFailure, SalesforceFailure
from include.export.salesforce import CONNECT_TIMEOUT, READ_TIMEOUT, read_organization

log = logging.getLogger(__name__)
API_VERSION = "67.0"  # the one the exporter was written for; `version` of the connection overrides it
SOAP_API_VERSION = "64.0"  # the last one with a login by user and password
_CLIP = 200  # characters of an answer that are shown
_SESSION = re.compile(r"00D\w{12,15}![\w.]+")


class LoginSession(requests.Session):
    """A session whose POST is a login: it times out, follows no redirect and accepts only a login host's answer.

    Rejected credentials are left to the caller; any other failure raises RunFailure here.
    """

    def __init__(self, connection: str, timeout: tuple[float, float] = (CONNECT_TIMEOUT, READ_TIMEOUT)) -> None:
        super().__init__()
        self.connection, self.timeout = connection, timeout
        self.organization = ""  # id of the org, once logged in
        self.is_soap = False  # the login was one by user, password and security token

    def post(self, url: str | bytes, data: Any = None, json: Any = None, **more: Any) -> requests.Response:
        """Send the credentials, to a Salesforce host only.

        Raises ConfigurationFailure for another host or a redirect, SalesforceFailure for anything but a login answer.
        """
        check_login_address(url if isinstance(url, str) else url.decode(), self.connection)
        answer = super().post(url, data, json, **more | {"timeout": self.timeout, "allow_redirects": False})
        if 300 <= answer.status_code < 400:
            raise ConfigurationFailure(
                "The login was redirected. The redirect was not followed, because the credentials would go with it. "
                "Set the domain of the connection to the host that answers."
            )
        if not _is_login_answer(answer):
            asked = answer.headers.get("Retry-After", "")
            raise SalesforceFailure(
                f"The login host did not answer as documented (HTTP {answer.status_code} {_describe(answer)}). It may "
                "be in maintenance, or the domain of the connection is not a login host.",
                retry_after=float(asked) if asked.isdigit() else None,
            )
        self.is_soap = _is_soap(answer)
        self.organization = _read_organization(answer)
        return answer


def choose_api_version(chosen: str | None, connection: str, *, is_soap: bool) -> str:
    """Return the API version for a login: that of the connection, else the exporter's own.

    Raises ConfigurationFailure when that of the connection is malformed.
    """
    if is_soap:
        log.warning(
            "Connection %s logs in with user, password and security token. Salesforce ends this login in summer 2027 "
            "and removed it from API version 65.0, so version %s is used. Change the connection to client "
            "credentials (consumer_key, consumer_secret, domain) or JWT (consumer_key, private_key, login).",
            connection, chosen or SOAP_API_VERSION,
        )  # fmt: skip
    if chosen and not re.fullmatch(r"[1-9][0-9]{1,2}\.0", chosen):
        raise ConfigurationFailure(
            f"Connection {connection}: version must look like {API_VERSION} (found {chosen[:20]!r}). Remove it to let "
            "the exporter choose."
        )
    return chosen or (SOAP_API_VERSION if is_soap else API_VERSION)


_ADVICE = {
    "OAUTH_APP_BLOCKED": "Ask your Salesforce admin to unblock the app (Setup > Connected Apps OAuth Usage).",
    "UNSUPPORTED_API_VERSION": f"Set `version` of the connection to {SOAP_API_VERSION}, or log in without a password.",
    "login() is disabled": "Change the connection to client credentials or JWT; SOAP login is off in this org.",
    "ip restricted": "Ask your Salesforce admin to add the exporter's address to the IP ranges, or to relax them.",
    "no client credentials user": "Ask your Salesforce admin to name a run-as user in the client credentials policy.",
    "not supported on this domain": "Set `domain` to the org's own (mycompany.my): not login, not test.",
    "approved this consumer": "Ask your Salesforce admin to pre-authorize the app for the user's profile.",
    "not admin approved": "Ask your Salesforce admin to pre-authorize the app for the user's profile.",
    "inactive user": "Ask your Salesforce admin to activate the integration user, or name another.",
    "user is inactive": "Ask your Salesforce admin to activate the integration user, or name another.",
    "assertion": "Check the private key, the user name, and the clock of this machine.",
}
_USUAL_ADVICE = "Check consumer key and secret (or user, password and token), domain, and the app's run-as user."


def advise_on_login(code: str, message: str) -> str:
    """Return what to do about rejected credentials."""
    said = f"{code} {message}".lower()
    return next((advice for text, advice in _ADVICE.items() if text.lower() in said), _USUAL_ADVICE)


def _is_login_answer(answer: requests.Response) -> bool:
    """Return whether an answer is a session or a rejection (OAuth: JSON; SOAP: XML, its rejections with 500)."""
    if answer.text.lstrip().startswith("<?xml") or _is_soap(answer):
        return answer.status_code in {200, 500} and "Envelope>" in answer.text
    try:
        body = answer.json()
    except ValueError:
        return False
    if not isinstance(body, Mapping):
        return False
    if answer.status_code == 200:
        return all(isinstance(body.get(name), str) for name in ("access_token", "instance_url"))
    return answer.status_code in {400, 401, 403} and isinstance(body.get("error"), str)


def _is_soap(answer: requests.Response) -> bool:
    return "/Soap/u/" in (answer.request.url or "")


def _read_organization(answer: requests.Response) -> str:
    """Return the org of a session: OAuth answers with the address of the identity, SOAP login with the id."""
    if answer.status_code != 200:
        return ""
    if _is_soap(answer):
        found = re.search(r"<organizationId>(00D\w{12})", answer.text)
        return found[1] if found else ""
    return read_organization(str(answer.json().get("id") or ""))


def _describe(answer: requests.Response) -> str:
    """Describe an answer without what may be a session id: the field names of a JSON object, else the text."""
    try:
        body = answer.json()
    except ValueError:
        return _SESSION.sub("(session)", " ".join(answer.text.split()))[:_CLIP] or "empty answer"
    if isinstance(body, Mapping):
        return f"a JSON object with {', '.join(map(str, body))[:_CLIP] or 'no field'}"
    return f"a JSON {type(body).__name__}"

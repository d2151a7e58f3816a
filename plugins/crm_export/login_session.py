"""The session of a login: simple_salesforce sets no timeout, follows redirects and takes any answer for a refusal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests

from include.export.failures import ConfigurationFailure, SalesforceFailure
from include.export.salesforce import CONNECT_TIMEOUT, READ_TIMEOUT

_CLIP = 200  # characters of an answer that are shown


class LoginSession(requests.Session):
    """A session whose POST is a login: it ends in time, goes nowhere else, and is answered by a login host.

    A refusal of the credentials is left to the caller; what is none raises RunFailure here.
    """

    def __init__(self, timeout: tuple[float, float] = (CONNECT_TIMEOUT, READ_TIMEOUT)) -> None:
        super().__init__()
        self.timeout = timeout

    def post(self, url: str | bytes, data: Any = None, json: Any = None, **more: Any) -> requests.Response:
        """Send the credentials; raises ConfigurationFailure at a redirect, SalesforceFailure at no login answer."""
        answer = super().post(url, data, json, **more | {"timeout": self.timeout, "allow_redirects": False})
        if 300 <= answer.status_code < 400:
            raise ConfigurationFailure(
                "The login was redirected, which is not followed: the credentials would go with it. Set the domain of "
                "the connection to the host that answers."
            )
        if not _is_login_answer(answer):
            asked = answer.headers.get("Retry-After", "")
            raise SalesforceFailure(
                f"The login host did not answer as documented (HTTP {answer.status_code} {_clip(answer)}). It may be "
                "in maintenance, or the domain of the connection is not a login host.",
                retry_after=float(asked) if asked.isdigit() else None,
            )
        return answer


def _is_login_answer(answer: requests.Response) -> bool:
    """Tell whether an answer is a session or a refusal: OAuth speaks JSON, SOAP login XML, its refusals with 500."""
    if answer.text.lstrip().startswith("<?xml") or "/Soap/u/" in (answer.request.url or ""):
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


def _clip(answer: requests.Response) -> str:
    return " ".join(answer.text.split())[:_CLIP] or "empty answer"

"""Salesforce's answers that are not what was asked for, told apart by what to do next."""

from __future__ import annotations

from typing import Any

import requests

from include.export.failures import (
    ConfigurationFailure,
    LoginFailure,
    NotFound,
    QuotaFailure,
    RunFailure,
    SalesforceFailure,
)

_CLIP = 300  # characters of an answer that are shown
_RIGHTS = frozenset(
    {"API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED", "FUNCTIONALITY_NOT_ENABLED", "INSUFFICIENT_ACCESS"}
)
# a request is refused for what one of its records holds: the batch is divided until the record is found
_RECORD_CODES = frozenset({"JSON_PARSER_ERROR", "INVALID_FIELD", "MALFORMED_ID", "INVALID_TYPE_ON_FIELD_IN_RECORD"})


class RequestRejected(Exception):  # noqa: N818 - a refusal, which the sender turns into data
    """Salesforce refused a whole request for its content (400). With one record in it, that record is refused."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


def explain_failure(response: requests.Response, body: Any, call: str) -> Exception:
    """Return the exception for an answer, by the closed lists of salesforce-wire.md section 5.2."""
    code, message = _first_error(body)
    status = response.status_code
    if status == 400 and code in _RECORD_CODES and "composite/" in call:
        return RequestRejected(code, message)
    if code == "EXCEEDEDQUOTA":
        return QuotaFailure(
            "The Salesforce org takes no more Bulk jobs today (EXCEEDEDQUOTA). The watermark is kept; the next "
            "scheduled run goes on, with small requests if the org has API calls left."
        )
    if code == "REQUEST_LIMIT_EXCEEDED":
        return QuotaFailure(
            "The Salesforce org has no API calls left (REQUEST_LIMIT_EXCEEDED). The watermark is kept; the next "
            "scheduled run goes on. See Setup > Company Information > API Requests, Last 24 Hours."
        )
    return _by_status(response, status, f"{call}: HTTP {status} {code} {message}".strip(), code)


def _by_status(response: requests.Response, status: int, told: str, code: str) -> RunFailure:
    if status == 401:
        return LoginFailure(
            f"Salesforce does not accept the session, also after a new login ({told}). Check the connection "
            "salesforce_default, the user's status and its IP ranges."
        )
    if status == 403 or code in _RIGHTS:
        return ConfigurationFailure(f"Salesforce refused a right to the user of this connection ({told}).")
    if 300 <= status < 400:
        return ConfigurationFailure(f"Salesforce redirected the call, which is not followed ({told}).")
    if status in {400, 404, 405, 410, 414, 415}:
        return (NotFound if status == 404 else ConfigurationFailure)(
            f"Salesforce does not know what the call asks for ({told}). Check the stream's object and fields, and the "
            "API version of the connection."
        )
    asked = response.headers.get("Retry-After", "")
    return SalesforceFailure(
        f"Salesforce did not answer as documented ({told}). It may be in maintenance or overloaded; nothing was "
        "recorded and the watermark is kept.",
        retry_after=float(asked) if asked.isdigit() else None,
    )


def read_list(body: Any, name: str, call: str) -> list[dict[str, Any]]:
    """Return the list of objects that a 2xx answer holds under a name; raises SalesforceFailure when it has none."""
    found = body.get(name) if isinstance(body, dict) else None
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise SalesforceFailure(
            f"Salesforce's answer to {call} has no {name}: it is not as documented. Something between here and "
            "Salesforce may have answered instead."
        )
    return found


def _first_error(body: Any) -> tuple[str, str]:
    first = body[0] if isinstance(body, list) and body else body
    if isinstance(first, dict):
        return str(first.get("errorCode", ""))[:100], str(first.get("message", ""))[:_CLIP]
    return "", " ".join(str(first or "empty answer").split())[:_CLIP]

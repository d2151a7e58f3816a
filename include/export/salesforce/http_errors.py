"""Salesforce's error answers, classified by what to do next."""

from __future__ import annotations

from collections.abc import Mapping
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
from include.export.salesforce.error_catalogue import Catalogue, ErrorClass, FailureKind, Verdict

_CLIP = 300  # characters of an answer that are shown
REPEATABLE_STATUSES = frozenset({408, 420, 425, 429, 500, 502, 503, 504})
_RIGHTS = frozenset({"INSUFFICIENT_ACCESS", "INSUFFICIENT_ACCESS_OR_READONLY"})
# one record causes the rejection of the whole request: the batch is divided until that record is found
_RECORD_CLASSES = frozenset({ErrorClass.DATA, ErrorClass.ADMIN, ErrorClass.PARENT, ErrorClass.DUPLICATE})
_FIELD_CODES = frozenset({"INVALID_FIELD", "INVALID_FIELD_FOR_INSERT_UPDATE"})


class RequestRejected(Exception):  # noqa: N818 - a rejection, which the sender turns into data
    """Salesforce rejected a whole request for its content (400). If it holds one record, that record is rejected."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


class Busy(SalesforceFailure):
    """Salesforce is busy; the same call may succeed in a few seconds."""


class RequestTooLarge(SalesforceFailure):
    """A request was too large or took too long; fewer records may succeed."""


def explain_failure(response: requests.Response, body: Any, call: str, catalogue: Catalogue) -> Exception:
    """Return the exception for an answer: by the catalogue if it has the code, else by the HTTP status."""
    code, message = _first_error(body)
    status = response.status_code
    verdict = catalogue.classify(code, message)
    if status == 400 and "composite/" in call and (verdict.error_class in _RECORD_CLASSES or code in _FIELD_CODES):
        return RequestRejected(code, message)
    shown = catalogue.redact(code, message) if isinstance(body, list) else message
    answered = f"{call}: HTTP {status} {code} {shown}".strip()
    if status == 413 or (verdict.smaller_batch and verdict.failure):
        return RequestTooLarge(
            f"A request to Salesforce was too large or took too long ({answered}). Lower crm_export_batch_size, or "
            "make the object's automation faster. The watermark is kept."
        )
    if code and catalogue.knows(code) and verdict.failure:
        return _by_catalogue(response, verdict, answered)
    return _by_status(response, answered, code, from_salesforce=bool(code))


def _by_catalogue(response: requests.Response, verdict: Verdict, answered: str) -> RunFailure:
    if verdict.failure is FailureKind.RETRY:
        kind = Busy if verdict.error_class is ErrorClass.TRANSIENT else SalesforceFailure
        return kind(
            f"Salesforce could not process the call ({answered}). {verdict.advice} The watermark is kept.",
            retry_after=_retry_after(response),
        )
    if verdict.failure is FailureKind.QUOTA:
        return QuotaFailure(
            f"A daily limit of the Salesforce org is used up ({answered}). The watermark is kept. {verdict.advice}"
        )
    if verdict.failure is FailureKind.LOGIN:
        return _explain_session(answered)
    kind_of_wrong = NotFound if response.status_code == 404 else ConfigurationFailure
    return kind_of_wrong(f"Salesforce rejected a call of this connection ({answered}). {verdict.advice}")


def _by_status(response: requests.Response, answered: str, code: str, *, from_salesforce: bool) -> RunFailure:
    status = response.status_code
    if status in REPEATABLE_STATUSES or status < 300:
        kind = SalesforceFailure if status < 300 else Busy
        return kind(
            f"Salesforce did not answer as documented ({answered}). It may be in maintenance or overloaded; nothing "
            "was recorded and the watermark is kept.",
            retry_after=_retry_after(response),
        )
    if status == 401:
        return _explain_session(answered)
    if 300 <= status < 400:
        return ConfigurationFailure(
            f"Salesforce redirected the call, which is not followed ({answered}). Correct the domain or instance of "
            "the connection."
        )
    if status == 410:
        return ConfigurationFailure(
            f"Salesforce no longer has this version of its API ({answered}). Remove `version` from the connection, or "
            "set one that the org supports."
        )
    if not from_salesforce and 400 <= status < 500:
        return ConfigurationFailure(
            f"A proxy or firewall rejected the call: the answer is not from Salesforce ({answered}). "
            "Allow the org's address there, or correct `proxies` of the connection."
        )
    if status == 403 or code in _RIGHTS:
        return ConfigurationFailure(
            f"The user of this connection lacks a permission in Salesforce ({answered}). Add it to the user's "
            "permission set."
        )
    if 400 <= status < 500:
        return (NotFound if status == 404 else ConfigurationFailure)(
            f"Salesforce does not know what the call names ({answered}). Check the stream's object and fields, and "
            "the API version of the connection."
        )
    return SalesforceFailure(f"Salesforce did not answer as documented ({answered}). The watermark is kept.")


def _explain_session(answered: str) -> LoginFailure:
    return LoginFailure(
        f"Salesforce does not accept the session, even after a new login ({answered}). Check the connection "
        "salesforce_default, the user's status, its API permission and its IP ranges."
    )


def _retry_after(response: requests.Response) -> float | None:
    asked = response.headers.get("Retry-After", "")
    return float(asked) if asked.isdigit() else None


def read_list(body: Any, name: str, call: str) -> list[dict[str, Any]]:
    """Return the list of objects under a name of a 2xx answer; raises SalesforceFailure when it has none."""
    found = body.get(name) if isinstance(body, dict) else None
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise SalesforceFailure(
            f"Salesforce's answer to {call} has no {name}: it is not as documented. A proxy between Airflow and "
            "Salesforce may have answered instead: check it."
        )
    return found


def _first_error(body: Any) -> tuple[str, str]:
    """Return code and message of the first error; a query at the start of the message is cut: it holds values."""
    first = body[0] if isinstance(body, list) and body else body
    if isinstance(first, Mapping):
        message = str(first.get("message", ""))
        place = message.rfind("ERROR at Row")
        return str(first.get("errorCode", ""))[:100], message[max(place, 0) :][:4_096]
    return "", " ".join(str(first or "empty answer").split())[:_CLIP]

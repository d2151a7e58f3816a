"""Salesforce's answers: their text up to a limit, the API usage they report, and what a missing answer means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from include.export.failures import SalesforceFailure

ANSWER_LIMIT = 32 * 1024 * 1024  # bytes of a JSON answer


@dataclass(frozen=True)
class Usage:
    """The API calls of an org in 24 hours, used and allowed, as its last answer reported them."""

    used: int
    most: int


@dataclass(frozen=True)
class Answer:
    """A parsed answer. `repeated`: an earlier attempt of the same call may also have been executed."""

    status: int
    body: Any
    text: str
    repeated: bool


class Unanswered(SalesforceFailure):
    """A call was not answered: it is unknown whether it was executed.

    `in_time` is False after a timeout: Salesforce may still be executing the call. `left` is False when no connection
    could be made: nothing was executed.
    """

    in_time = left = True

    @classmethod
    def explain(cls, method: str, path: str, reason: str, *, in_time: bool = True, left: bool = True) -> Unanswered:
        """Return the failure of a call."""
        failure = cls(
            f"Salesforce did not answer {method} {urlsplit(path).path} ({reason}). It is unknown whether the call was "
            "executed; the next attempt finds out. Check the network and the org. If the object's automation is slow, "
            "lower crm_export_batch_size."
        )
        failure.in_time, failure.left = in_time, left
        return failure


def explain_silence(method: str, path: str, reason: Exception) -> Unanswered:
    """Return the failure for a call that ended with a network error."""
    left = not never_left(reason)
    slow = isinstance(reason, requests.ReadTimeout | urllib3.exceptions.ReadTimeoutError) or "timed out" in str(reason)
    return Unanswered.explain(method, path, type(reason).__name__, in_time=not (slow and left), left=left)


def never_left(reason: Exception) -> bool:
    """Return whether a call failed before a byte of it was sent: no connection could be made."""
    cause = getattr(reason.args[0], "reason", None) if reason.args else None
    return isinstance(reason, requests.ConnectTimeout | requests.exceptions.SSLError) or isinstance(
        cause, urllib3.exceptions.NewConnectionError
    )


def read_usage(response: requests.Response) -> Usage | None:
    """Return the API usage that an answer's header reports, None when it has none."""
    found = re.search(r"api-usage=(\d+)/(\d+)", response.headers.get("Sforce-Limit-Info", ""))
    return Usage(int(found[1]), int(found[2])) if found else None


def read_text(method: str, path: str, response: requests.Response) -> str:
    """Return the text of an answer; raises Unanswered when the connection breaks, SalesforceFailure for over 32 MB."""
    try:
        content = response.raw.read(ANSWER_LIMIT + 1, decode_content=True)
    except urllib3.exceptions.HTTPError as broken:
        raise explain_silence(method, path, broken) from None
    response.close() if len(content) > ANSWER_LIMIT else response.raw.release_conn()
    if len(content) > ANSWER_LIMIT:
        raise SalesforceFailure(
            f"Salesforce answered with more than {ANSWER_LIMIT // 1024**2} MB, which no call should return. "
            "A proxy between Airflow and Salesforce may have answered instead: check it."
        )
    return str(content, "utf-8", "replace")

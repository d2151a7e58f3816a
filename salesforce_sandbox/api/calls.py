"""The common steps of every REST API call: its version, its session, its body, its answer."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from salesforce_sandbox import assumptions
from salesforce_sandbox.org.org import LOGGED, LoggedRequest, Org
from salesforce_sandbox.records.rejections import RequestRejected
from salesforce_sandbox.records.writing import Writer

OLDEST, NEWEST = 31, 67  # API versions; those before are retired
VERSIONS = [f"{number}.0" for number in range(OLDEST, NEWEST + 1)]
DATA = "/services/data/v{version}"
_SEASONS = ("Winter", "Spring", "Summer")


class ApiJson(JSONResponse):
    """JSON with the content type of the REST API."""

    media_type = "application/json;charset=UTF-8"


def name_release(version: str) -> str:
    """Return the label of an API version: 20.0 is Winter '11, and there are three a year."""
    years, season = divmod(int(float(version)) - 20, 3)
    return f"{_SEASONS[season]} '{11 + years}"


def enter(org: Org, request: Request) -> Writer:
    """Check the version and the session, spend an API call and return a writer; raises RequestRejected."""
    check_version(request.path_params.get("version", VERSIONS[-1]))
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind and kind not in {"Bearer", "OAuth"}:
        raise RequestRejected(401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE")
    logged(request).user = org.sessions.user_of(token)
    org.spend_call()
    writer = org.writer(logged(request))
    headers = request.headers
    writer.options = replace(
        writer.options,
        allow_duplicates="allowsave=true" in headers.get("sforce-duplicate-rule-header", "").replace(" ", "").lower(),
        assign_owner=headers.get("sforce-auto-assign", "").strip().lower() != "false",
        base=base(request) if "version" in request.path_params else writer.options.base,
    )
    return writer


def check_version(version: str) -> None:
    """Raise RequestRejected for an API version that is retired (410) or never was (404)."""
    if version in VERSIONS:
        return
    number, dot, rest = version.partition(".")
    if dot and rest == "0" and number.isdecimal() and int(number) < OLDEST:
        raise RequestRejected(*assumptions.RETIRED_VERSION)
    raise RequestRejected(404, "NOT_FOUND", "The requested resource does not exist")


async def check_duration(org: Org, object_name: str, count: int) -> None:
    """Reject a request whose automation would run too long, after the longest allowed time; raises RequestRejected."""
    if org.automation_seconds(object_name, count) > org.request_settings.most_seconds:
        await asyncio.sleep(org.request_settings.most_seconds)
        raise RequestRejected(*assumptions.RUNNING_TOO_LONG)


async def run_automation(org: Org, object_name: str, count: int) -> None:
    """Wait as long as the automation of saved records takes, which delays the answer."""
    seconds = org.automation_seconds(object_name, count)
    if seconds:
        await asyncio.sleep(seconds)


def logged(request: Request) -> LoggedRequest:
    """Return a request's entry in the log."""
    found: LoggedRequest = request.scope[LOGGED]
    return found


async def read_json(request: Request) -> Any:
    """Return the body of a request; raises RequestRejected when it is not JSON."""
    try:
        return json.loads(await request.body())
    except ValueError:
        raise RequestRejected(400, "JSON_PARSER_ERROR", "Unexpected character in the HTTP entity body") from None


async def find_place(request: Request, value: Any) -> str:
    """Return where a value ends in the body of a request, as Salesforce's parser writes it."""
    text = (await request.body()).decode("utf-8", "replace")
    forms = (json.dumps(value), json.dumps(value, ensure_ascii=False), json.dumps(value, separators=(",", ":")))
    end = next((text.index(form) + len(form) for form in forms if form in text), len(text))
    return f"[line:{text.count(chr(10), 0, end) + 1}, column:{end - (text.rfind(chr(10), 0, end) + 1) + 1}]"


def base(request: Request) -> str:
    """Return the path of the API version of a request."""
    return f"/services/data/v{request.path_params['version']}"

"""Logging in: the OAuth token endpoint and SOAP login."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from lxml import etree
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from salesforce_sandbox import assumptions
from salesforce_sandbox.api.calls import VERSIONS, ApiJson
from salesforce_sandbox.definition.definition import User
from salesforce_sandbox.org.grants import LoginRejected, check_grant, find_user
from salesforce_sandbox.org.org import Org

_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_PARTNER = "urn:partner.soap.sforce.com"


SOAP_IS_OFF = "INVALID_OPERATION: SOAP API login() is disabled by default in this org."


def login_routes(org: Org) -> list[Route]:
    """Return the routes of the login host."""

    async def token(request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        try:
            user = check_grant(org, form, request)
        except LoginRejected as rejected:
            return ApiJson({"error": rejected.error, "error_description": rejected.description}, 400)
        return ApiJson(_token_answer(org, user, _address(request)))

    async def soap(request: Request) -> Response:
        return _soap_login(org, await request.body(), request)

    async def revoke(_: Request) -> Response:
        return Response(status_code=200)

    async def userinfo(request: Request) -> Response:
        return _answer_user(org, request)

    async def identity(request: Request) -> Response:
        return ApiJson(_describe_user(org, request))

    return [
        Route("/services/oauth2/token", token, methods=["POST"]),
        Route("/services/oauth2/userinfo", userinfo, methods=["GET", "POST"]),
        Route("/id/{organization}/{user}", identity, methods=["GET"]),
        Route("/services/oauth2/revoke", revoke, methods=["POST"]),
        Route("/services/Soap/u/{version}", soap, methods=["POST"]),
    ]


def _answer_user(org: Org, request: Request) -> Response:
    """Return the session's user in the form of the OpenID endpoint."""
    user = _describe_user(org, request)
    known = ("user_id", "organization_id", "email", "email_verified", "active", "user_type", "language", "locale",
             "utcOffset", "photos", "urls", "is_app_installed")  # fmt: skip
    names = {"sub": user["id"], "preferred_username": user["username"], "nickname": user["nick_name"],
             "name": user["display_name"], "zoneinfo": user["timezone"]}  # fmt: skip
    return ApiJson(names | {name: user[name] for name in known})


def _describe_user(org: Org, request: Request) -> dict[str, Any]:
    """Return the session's user in the form of the identity endpoint."""
    username = org.sessions.user_of(request.headers.get("authorization", "").partition(" ")[2])
    organization, address = org.definition.organization.id, _address(request)
    user = org.id_of_user(username)
    return {
        "id": f"{address}/id/{organization}/{user}",
        "asserted_user": True,
        "user_id": user,
        "organization_id": organization,
        "username": username,
        "nick_name": username.partition("@")[0],
        "display_name": username,
        "email": username,
        "email_verified": True,
        "first_name": "Integration",
        "last_name": "User",
        "timezone": "GMT",
        "photos": {},
        "mobile_phone": None,
        "status": {},
        "urls": {"rest": f"{address}/services/data/v{{version}}/"},
        "active": True,
        "user_type": "STANDARD",
        "language": "en_US",
        "locale": "en_US",
        "utcOffset": 0,
        "last_modified_date": "2026-01-01T00:00:00.000+0000",
        "is_app_installed": True,
    }


def _address(request: Request) -> str:
    return f"{request.url.scheme}://{request.headers['host']}"


def _token_answer(org: Org, user: User, address: str) -> dict[str, str]:
    return {
        "access_token": org.sessions.start(user.username),
        "signature": "c2FuZGJveA==",
        "scope": "api",
        "instance_url": address,
        "id": f"{address}/id/{org.definition.organization.id}/{org.id_of_user(user.username)}",
        "token_type": "Bearer",
        "issued_at": str(int(time.time() * 1000)),
    }


def _soap_login(org: Org, body: bytes, request: Request) -> Response:
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        login = etree.fromstring(body, parser).find(f".//{{{_PARTNER}}}login")
        username = login.findtext(f"{{{_PARTNER}}}username") or ""
        password = login.findtext(f"{{{_PARTNER}}}password") or ""
        if not org.soap_login:
            return _fault("INVALID_OPERATION", SOAP_IS_OFF)
        if request.path_params["version"] not in VERSIONS:
            return _fault("UNSUPPORTED_API_VERSION", "UNSUPPORTED_API_VERSION: Invalid Api version specified on URL")
        if float(request.path_params["version"]) >= 65:
            return _fault("UNSUPPORTED_API_VERSION", "UNSUPPORTED_API_VERSION: SOAP login() is not available.")
        user = find_user(org, username, password)
        if not user.active:
            raise LoginRejected(*assumptions.INACTIVE_USER)
    except (etree.XMLSyntaxError, AttributeError, ValueError):
        return _fault("INVALID_LOGIN", "INVALID_LOGIN: The request is not a login.")
    except LoginRejected:
        message = "INVALID_LOGIN: Invalid username, password, security token; or user locked out."
        return _fault("INVALID_LOGIN", message)
    return Response(
        _session_xml(org, user, _address(request), request.path_params["version"]), 200, media_type="text/xml"
    )


def _session_xml(org: Org, user: User, address: str, version: str) -> str:
    organization, user_id = org.definition.organization.id, org.id_of_user(user.username)
    return (
        f'<soapenv:Envelope xmlns:soapenv="{_SOAP}" xmlns="{_PARTNER}" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><loginResponse><result>'
        f"<metadataServerUrl>{address}/services/Soap/m/{version}/{organization}</metadataServerUrl>"
        "<passwordExpired>false</passwordExpired><sandbox>false</sandbox>"
        f"<serverUrl>{address}/services/Soap/u/{version}/{organization}</serverUrl>"
        f"<sessionId>{org.sessions.start(user.username)}</sessionId><userId>{user_id}</userId>"
        f"<userInfo><organizationId>{organization}</organizationId>"
        f"<sessionSecondsValid>7200</sessionSecondsValid><userId>{user_id}</userId>"
        f"<userName>{escape(user.username)}</userName></userInfo>"
        "</result></loginResponse></soapenv:Body></soapenv:Envelope>"
    )


def _fault(code: str, message: str) -> Response:
    body = (
        f'<soapenv:Envelope xmlns:soapenv="{_SOAP}" xmlns:sf="urn:fault.partner.soap.sforce.com" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><soapenv:Fault>'
        f"<faultcode>sf:{code}</faultcode><faultstring>{message}</faultstring><detail>"
        f'<sf:LoginFault xsi:type="sf:LoginFault"><sf:exceptionCode>{code}</sf:exceptionCode>'
        f"<sf:exceptionMessage>{message.partition(': ')[2]}</sf:exceptionMessage></sf:LoginFault></detail>"
        "</soapenv:Fault></soapenv:Body></soapenv:Envelope>"
    )
    return Response(body, 500, media_type="text/xml")

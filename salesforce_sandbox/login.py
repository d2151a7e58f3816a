"""Logging in: the OAuth token endpoint and SOAP login (salesforce-wire.md section 1.2)."""

from __future__ import annotations

import base64
import binascii
import time
from typing import Any
from urllib.parse import parse_qsl, unquote
from xml.sax.saxutils import escape

import jwt
from lxml import etree
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from salesforce_sandbox.definition import ConnectedApp, User
from salesforce_sandbox.org import Org, user_id

REFRESH_TOKEN = "5Aep.sandbox-refresh-token"  # noqa: S105 - of a sandbox
_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_PARTNER = "urn:partner.soap.sforce.com"


SOAP_IS_OFF = "INVALID_OPERATION: SOAP API login() is disabled by default in this org."


class _LoginRefused(Exception):  # noqa: N818 - Salesforce's wording
    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error, self.description = error, description


def login_routes(org: Org) -> list[Route]:
    """Return the routes of the login host."""

    async def token(request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        try:
            _check_grant(org, form, request.headers.get("authorization", ""))
        except _LoginRefused as refused:
            return JSONResponse({"error": refused.error, "error_description": refused.description}, 400)
        return JSONResponse(_token_answer(org, _address(request)))

    async def soap(request: Request) -> Response:
        return _soap_login(org, await request.body(), request)

    async def revoke(_: Request) -> Response:
        return Response(status_code=200)

    async def userinfo(request: Request) -> Response:
        return _tell_user(org, request)

    return [
        Route("/services/oauth2/token", token, methods=["POST"]),
        Route("/services/oauth2/userinfo", userinfo, methods=["GET", "POST"]),
        Route("/id/{organization}/{user}", userinfo, methods=["GET"]),
        Route("/services/oauth2/revoke", revoke, methods=["POST"]),
        Route("/services/Soap/u/{version}", soap, methods=["POST"]),
    ]


def _tell_user(org: Org, request: Request) -> Response:
    """Return the identity of the session's user."""
    org.check_token(request.headers.get("authorization", "").partition(" ")[2])
    organization, address = org.definition.organization.id, _address(request)
    told = {
        "sub": f"{address}/id/{organization}/{user_id()}",
        "id": f"{address}/id/{organization}/{user_id()}",
        "user_id": user_id(),
        "organization_id": organization,
        "preferred_username": org.username,
        "username": org.username,
        "email": org.username,
        "urls": {"rest": f"{address}/services/data/v{{version}}/"},
    }
    return JSONResponse(told)


def _address(request: Request) -> str:
    return f"{request.url.scheme}://{request.headers['host']}"


def _token_answer(org: Org, address: str) -> dict[str, str]:
    return {
        "access_token": org.new_token(),
        "signature": "c2FuZGJveA==",
        "scope": "api",
        "instance_url": address,
        "id": f"{address}/id/{org.definition.organization.id}/{user_id()}",
        "token_type": "Bearer",
        "issued_at": str(int(time.time() * 1000)),
    }


def _check_grant(org: Org, form: dict[str, str], authorization: str) -> None:
    grant = form.get("grant_type")
    if grant == "client_credentials":
        _find_app(org, form, authorization)
    elif grant == "password":
        _find_app(org, form, authorization)
        _find_user(org, form.get("username", ""), form.get("password", ""))
    elif grant == _JWT_GRANT:
        _check_assertion(org, form.get("assertion", ""))
    elif grant == "refresh_token":
        _check_refresh_token(form)
    elif grant is None:
        raise _LoginRefused("invalid_request", "missing required parameter: grant_type")
    else:
        raise _LoginRefused("unsupported_grant_type", "grant type not supported")


def _check_refresh_token(form: dict[str, str]) -> None:
    if form.get("refresh_token") != REFRESH_TOKEN:
        raise _LoginRefused("invalid_grant", "expired access/refresh token")


def _find_app(org: Org, form: dict[str, str], authorization: str) -> ConnectedApp:
    key, secret = form.get("client_id", ""), form.get("client_secret", "")
    if authorization.startswith("Basic "):
        try:
            key, _, secret = base64.b64decode(authorization[6:]).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise _LoginRefused("invalid_client", "invalid client credentials") from None
        key, secret = unquote(key), unquote(secret)
    for app in org.definition.connected_apps:
        if app.consumer_key == key:
            if app.consumer_secret != secret:
                raise _LoginRefused("invalid_client", "invalid client credentials")
            return app
    raise _LoginRefused("invalid_client_id", "client identifier invalid")


def _find_user(org: Org, username: str, password: str) -> User:
    for user in org.definition.users:
        if user.username == username and password in {user.password + user.security_token, user.password}:
            return user
    raise _LoginRefused("invalid_grant", "authentication failure")


def _check_assertion(org: Org, assertion: str) -> None:
    try:
        claims: dict[str, Any] = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.PyJWTError:
        raise _LoginRefused("invalid_grant", "invalid assertion") from None
    app = next((app for app in org.definition.connected_apps if app.consumer_key == claims.get("iss")), None)
    if app is None:
        raise _LoginRefused("invalid_client_id", "client identifier invalid")
    if claims.get("sub") not in {user.username for user in org.definition.users}:
        raise _LoginRefused("invalid_grant", "user hasn't approved this consumer")
    if app.certificate:
        _check_signature(assertion, app.certificate)
    expires = float(claims.get("exp", 0))
    # simple-salesforce sends seconds as text, the sf CLI milliseconds
    if (expires / 1000 if expires > 1e11 else expires) < time.time():
        raise _LoginRefused("invalid_grant", "expired authorization code")


def _check_signature(assertion: str, certificate: str) -> None:
    lenient = {"verify_exp": False, "verify_aud": False, "verify_iat": False}
    try:
        jwt.decode(assertion, certificate, algorithms=["RS256"], options=lenient)  # type: ignore[arg-type] # PyJWT's own
    except jwt.PyJWTError:
        raise _LoginRefused("invalid_grant", "invalid assertion") from None


def _soap_login(org: Org, body: bytes, request: Request) -> Response:
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        login = etree.fromstring(body, parser).find(f".//{{{_PARTNER}}}login")
        username = login.findtext(f"{{{_PARTNER}}}username") or ""
        password = login.findtext(f"{{{_PARTNER}}}password") or ""
        if not org.soap_login:
            return _fault("INVALID_OPERATION", SOAP_IS_OFF)
        if float(request.path_params["version"]) >= 65:
            return _fault("UNSUPPORTED_API_VERSION", "UNSUPPORTED_API_VERSION: SOAP login() is not available.")
        user = _find_user(org, username, password)
    except (etree.XMLSyntaxError, AttributeError, ValueError):
        return _fault("INVALID_LOGIN", "INVALID_LOGIN: The request is not a login.")
    except _LoginRefused:
        told = "INVALID_LOGIN: Invalid username, password, security token; or user locked out."
        return _fault("INVALID_LOGIN", told)
    return Response(
        _session_xml(org, user, _address(request), request.path_params["version"]), 200, media_type="text/xml"
    )


def _session_xml(org: Org, user: User, address: str, version: str) -> str:
    organization = org.definition.organization.id
    return (
        f'<soapenv:Envelope xmlns:soapenv="{_SOAP}" xmlns="{_PARTNER}" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><loginResponse><result>'
        f"<metadataServerUrl>{address}/services/Soap/m/{version}/{organization}</metadataServerUrl>"
        "<passwordExpired>false</passwordExpired><sandbox>false</sandbox>"
        f"<serverUrl>{address}/services/Soap/u/{version}/{organization}</serverUrl>"
        f"<sessionId>{org.new_token()}</sessionId><userId>{user_id()}</userId>"
        f"<userInfo><organizationId>{organization}</organizationId>"
        f"<sessionSecondsValid>7200</sessionSecondsValid><userId>{user_id()}</userId>"
        f"<userName>{escape(user.username)}</userName></userInfo>"
        "</result></loginResponse></soapenv:Body></soapenv:Envelope>"
    )


def _fault(code: str, told: str) -> Response:
    body = (
        f'<soapenv:Envelope xmlns:soapenv="{_SOAP}" xmlns:sf="urn:fault.partner.soap.sforce.com" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><soapenv:Fault>'
        f"<faultcode>sf:{code}</faultcode><faultstring>{told}</faultstring><detail>"
        f'<sf:LoginFault xsi:type="sf:LoginFault"><sf:exceptionCode>{code}</sf:exceptionCode>'
        f"<sf:exceptionMessage>{told.partition(': ')[2]}</sf:exceptionMessage></sf:LoginFault></detail>"
        "</soapenv:Fault></soapenv:Body></soapenv:Envelope>"
    )
    return Response(body, 500, media_type="text/xml")

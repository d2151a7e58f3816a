"""OAuth grants: which user a token request logs in, and how it is rejected."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import jwt
from starlette.requests import Request

from salesforce_sandbox import assumptions
from salesforce_sandbox.definition.definition import ConnectedApp, User
from salesforce_sandbox.org.org import Org

REFRESH_TOKEN = "5Aep.sandbox-refresh-token"  # noqa: S105 - of a sandbox
_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_SHARED_HOSTS = {"login.salesforce.com", "test.salesforce.com"}


class LoginRejected(Exception):  # noqa: N818 - Salesforce's wording
    """A login is rejected, with the error and its description."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error, self.description = error, description


def check_grant(org: Org, form: Mapping[str, str], request: Request) -> User:
    """Return the user that a grant logs in; raises LoginRejected."""
    grant, authorization = form.get("grant_type"), request.headers.get("authorization", "")
    if grant == "client_credentials":
        user = _run_as(org, _find_app(org, form, authorization), request)
    elif grant == "password":
        _find_app(org, form, authorization)
        user = find_user(org, form.get("username", ""), form.get("password", ""))
    elif grant == _JWT_GRANT:
        user = _check_assertion(org, form.get("assertion", ""))
    elif grant == "refresh_token":
        _check_refresh_token(form)
        user = org.definition.users[0]
    elif grant is None:
        raise LoginRejected("invalid_request", "missing required parameter: grant_type")
    else:
        raise LoginRejected("unsupported_grant_type", "grant type not supported")
    if not user.active:
        raise LoginRejected(*assumptions.INACTIVE_USER)
    if user.obstacle:
        raise LoginRejected("invalid_grant", user.obstacle.value)
    return user


def _check_refresh_token(form: Mapping[str, str]) -> None:
    if form.get("refresh_token") != REFRESH_TOKEN:
        raise LoginRejected("invalid_grant", "expired access/refresh token")


def _run_as(org: Org, app: ConnectedApp, request: Request) -> User:
    if request.headers["host"].partition(":")[0] in _SHARED_HOSTS:
        raise LoginRejected("invalid_grant", "request not supported on this domain")
    users = {user.username: user for user in org.definition.users}
    name = org.definition.users[0].username if app.run_as is None else app.run_as
    if name not in users:
        raise LoginRejected("invalid_grant", "no client credentials user enabled")
    return users[name]


def _find_app(org: Org, form: Mapping[str, str], authorization: str) -> ConnectedApp:
    key, secret = form.get("client_id", ""), form.get("client_secret", "")
    if authorization.startswith("Basic "):
        try:
            key, _, secret = base64.b64decode(authorization[6:]).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise LoginRejected(*assumptions.WRONG_SECRET) from None
        key, secret = unquote(key), unquote(secret)
    for app in org.definition.connected_apps:
        if app.consumer_key == key:
            if app.consumer_secret != secret:
                raise LoginRejected(*assumptions.WRONG_SECRET)
            if app.blocked:
                raise LoginRejected("OAUTH_APP_BLOCKED", "this app is blocked by admin")
            if not app.approved:
                raise LoginRejected("invalid_app_access", "user is not admin approved to access this app")
            return app
    raise LoginRejected("invalid_client_id", "client identifier invalid")


def find_user(org: Org, username: str, password: str) -> User:
    """Return the user with a name and a password; raises LoginRejected."""
    for user in org.definition.users:
        taken = {user.password + user.security_token} | ({user.password} if assumptions.TRUSTED_NETWORK else set())
        if user.username == username and password in taken:
            return user
    raise LoginRejected("invalid_grant", "authentication failure")


def _check_assertion(org: Org, assertion: str) -> User:
    try:
        claims: dict[str, Any] = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.PyJWTError:
        raise LoginRejected("invalid_grant", "invalid assertion") from None
    app = next((app for app in org.definition.connected_apps if app.consumer_key == claims.get("iss")), None)
    if app is None:
        raise LoginRejected("invalid_client_id", "client identifier invalid")
    user = next((user for user in org.definition.users if user.username == claims.get("sub")), None)
    if user is None or not app.approved:
        raise LoginRejected("invalid_grant", "user hasn't approved this consumer")
    if app.certificate:
        _check_signature(assertion, app.certificate)
    expires = float(claims.get("exp", 0))
    # simple-salesforce sends seconds as text, the sf CLI milliseconds
    if (expires / 1000 if expires > 1e11 else expires) < time.time():
        raise LoginRejected("invalid_grant", "expired authorization code")
    return user


def _check_signature(assertion: str, certificate: str) -> None:
    lenient = {"verify_exp": False, "verify_aud": False, "verify_iat": False}
    try:
        jwt.decode(assertion, certificate, algorithms=["RS256"], options=lenient)  # type: ignore[arg-type] # PyJWT's own
    except jwt.PyJWTError:
        raise LoginRejected("invalid_grant", "invalid assertion") from None

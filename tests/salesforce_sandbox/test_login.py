"""Logging in, as docs/sandbox-checks.md lists it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
import requests
from airflow.providers.salesforce.hooks.salesforce import SalesforceHook
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceAuthenticationFailed

from salesforce_sandbox.control import Control
from salesforce_sandbox.in_process import URL, InProcessSandbox
from salesforce_sandbox.process import RunningSandbox

APP = {"consumer_key": "sandbox-key", "consumer_secret": "sandbox-secret"}
USER = {"username": "integration@tests.example", "password": "sandbox-only"}


def token_answer(
    server: RunningSandbox, form: dict[str, str], auth: tuple[str, str] | None = None
) -> requests.Response:
    return requests.post(f"{server.http_url}/services/oauth2/token", data=form, auth=auth, timeout=10)


def soap_login(url: str, password: str, prefix: str = "n1", version: str = "59.0", header: str = "") -> Any:
    colon = f"{prefix}:" if prefix else ""
    declared = f'xmlns{":" + prefix if prefix else ""}="urn:partner.soap.sforce.com"'
    body = (
        f'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/">{header}<e:Body>'
        f"<{colon}login {declared}><{colon}username>{USER['username']}</{colon}username>"
        f"<{colon}password>{password}</{colon}password></{colon}login></e:Body></e:Envelope>"
    )
    return requests.post(f"{url}/services/Soap/u/{version}", data=body, timeout=10)


def text_of(xml: str, element: str) -> str:
    """Return the text of an element as simple-salesforce and jsforce read it: without prefix and attributes."""
    found = re.findall(f"<{element}>([^<&]*)</{element}>", xml)
    assert found, f"no <{element}> in {xml}"
    assert len(set(found)) == 1
    return str(found[0])


@pytest.mark.parametrize("side", ["http_url", "https_url"])
def test_check_1_soap_login_gives_a_session_at_this_server(
    sandbox: Control, sandbox_server: RunningSandbox, side: str
) -> None:
    url = getattr(sandbox_server, side)
    answer = soap_login(url, "sandbox-onlytoken")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert text_of(answer.text, "sessionId").startswith("00D")
    assert text_of(answer.text, "userId").startswith("005")
    assert text_of(answer.text, "organizationId") == "00Dxx0000001gPL"
    assert text_of(answer.text, "serverUrl") == f"{url}/services/Soap/u/59.0/00Dxx0000001gPL"
    assert text_of(answer.text, "passwordExpired") == "false"


def test_check_1_simple_salesforce_logs_in_by_soap(sandbox: Control, sandbox_server: RunningSandbox) -> None:
    domain = f"{sandbox_server.https_host}/services/Soap/u/59.0#"
    client = Salesforce(**USER, security_token="token", domain=domain)
    assert client.sf_instance == sandbox_server.https_host
    assert client.query("SELECT Id FROM Account")["totalSize"] == 0
    client.session.close()


def test_check_2_a_wrong_password_is_a_soap_fault(sandbox: Control, sandbox_server: RunningSandbox) -> None:
    answer = soap_login(sandbox_server.http_url, "wrong")
    message = "Invalid username, password, security token; or user locked out."
    assert answer.status_code == 500
    assert text_of(answer.text, "sf:exceptionCode") == "INVALID_LOGIN"
    assert text_of(answer.text, "sf:exceptionMessage") == message
    assert text_of(answer.text, "faultstring") == f"INVALID_LOGIN: {message}"
    domain = f"{sandbox_server.https_host}/services/Soap/u/59.0#"
    with pytest.raises(SalesforceAuthenticationFailed, match=r"INVALID_LOGIN\): Invalid username"):
        Salesforce(username=USER["username"], password="wrong", security_token="x", domain=domain)


@pytest.mark.parametrize("prefix", ["n1", "urn", ""])
@pytest.mark.parametrize(
    "header",
    [
        "",
        '<e:Header><u:LoginScopeHeader xmlns:u="urn:partner.soap.sforce.com">'
        "<u:organizationId>00Dxx0000001gPL</u:organizationId></u:LoginScopeHeader></e:Header>",
    ],
)
def test_check_3_soap_login_reads_the_element_under_any_prefix_and_with_a_scope(
    sandbox: Control, sandbox_server: RunningSandbox, prefix: str, header: str
) -> None:
    answer = soap_login(sandbox_server.http_url, "sandbox-onlytoken", prefix, header=header)
    assert answer.status_code == 200
    assert text_of(answer.text, "sessionId").startswith("00D")


def test_check_5_client_credentials_come_in_the_header_or_the_body(
    sandbox: Control, sandbox_server: RunningSandbox
) -> None:
    grant = {"grant_type": "client_credentials"}
    assert token_answer(sandbox_server, grant, ("sandbox-key", "sandbox-secret")).ok
    assert token_answer(sandbox_server, grant | {"client_id": "sandbox-key", "client_secret": "sandbox-secret"}).ok


def test_check_5_the_password_flow_and_jwt_log_in(sandbox: Control, sandbox_server: RunningSandbox) -> None:
    app = {"client_id": "sandbox-key", "client_secret": "sandbox-secret"}
    assert token_answer(sandbox_server, {"grant_type": "password"} | app | USER).ok
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    for expires in (str(int(time.time()) + 180), int((time.time() + 180) * 1000)):
        assert token_answer(sandbox_server, jwt_form(pem, expires)).ok
    late = token_answer(sandbox_server, jwt_form(pem, str(int(time.time()) - 180)))
    assert (late.status_code, late.json()["error"]) == (400, "invalid_grant")


def jwt_form(pem: bytes, expires: str | int, user: str = USER["username"]) -> dict[str, str]:
    claims = {"iss": "sandbox-key", "sub": user, "aud": "x", "exp": expires}
    assertion = jwt.api_jws.encode(json.dumps(claims).encode(), pem, algorithm="RS256")
    return {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}


def test_check_5_the_signature_of_a_jwt_is_checked_when_the_app_has_a_certificate(
    serve: Callable[..., InProcessSandbox],
) -> None:
    keys = [rsa.generate_private_key(65537, 2048) for _ in range(2)]
    pems = [key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()) for key in keys]
    public = keys[0].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    served = serve(connected_apps=[APP | {"certificate": public}])
    expires = str(int(time.time()) + 180)
    answers = [served.session.post(f"{URL}/services/oauth2/token", data=jwt_form(pem, expires)) for pem in pems]
    assert [answer.status_code for answer in answers] == [200, 400]
    assert answers[1].json() == {"error": "invalid_grant", "error_description": "invalid assertion"}


PASSWORD = {"grant_type": "password", "client_id": "sandbox-key", "client_secret": "sandbox-secret"}
CREDENTIALS = {"grant_type": "client_credentials", "client_id": "sandbox-key", "client_secret": "sandbox-secret"}


@pytest.mark.parametrize(
    ("form", "error", "description"),
    [
        (CREDENTIALS | {"client_id": "no"}, "invalid_client_id", "client identifier invalid"),
        (CREDENTIALS | {"client_secret": "x"}, "invalid_client", "invalid client credentials"),
        ({"grant_type": "magic"}, "unsupported_grant_type", "grant type not supported"),
        ({}, "invalid_request", "missing required parameter: grant_type"),
        (PASSWORD | {"username": "x"}, "invalid_grant", "authentication failure"),
        (PASSWORD | USER | {"password": "sandbox-onlywrong"}, "invalid_grant", "authentication failure"),
    ],
)
def test_check_6_rejected_logins_are_400_with_error_and_description(
    sandbox: Control, sandbox_server: RunningSandbox, form: dict[str, str], error: str, description: str
) -> None:
    answer = token_answer(sandbox_server, form)
    assert answer.status_code == 400
    assert answer.json() == {"error": error, "error_description": description}


@pytest.mark.parametrize(
    ("app", "user", "error", "description"),
    [
        ({"run_as": ""}, {}, "invalid_grant", "no client credentials user enabled"),
        ({"approved": False}, {}, "invalid_app_access", "user is not admin approved to access this app"),
        ({}, {"active": False}, "invalid_grant", "inactive user"),
    ],
)
def test_check_6_what_an_administrator_has_not_set_up_rejects_client_credentials(
    serve: Callable[..., InProcessSandbox], app: dict[str, Any], user: dict[str, Any], error: str, description: str
) -> None:
    served = serve(connected_apps=[APP | app], users=[USER | user])
    answer = served.session.post(f"{URL}/services/oauth2/token", data=CREDENTIALS)
    assert answer.status_code == 400
    assert answer.json() == {"error": error, "error_description": description}


def test_check_6_client_credentials_need_the_orgs_own_domain(sandbox: Control, sandbox_server: RunningSandbox) -> None:
    url = f"{sandbox_server.http_url}/services/oauth2/token"
    answer = requests.post(url, data=CREDENTIALS, headers={"Host": "login.salesforce.com"}, timeout=10)
    assert answer.status_code == 400
    assert answer.json() == {"error": "invalid_grant", "error_description": "request not supported on this domain"}


def test_check_6_an_unknown_user_has_not_approved_the_app(sandbox: Control, sandbox_server: RunningSandbox) -> None:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    answer = token_answer(sandbox_server, jwt_form(pem, str(int(time.time()) + 180), "somebody@else.example"))
    assert answer.json() == {"error": "invalid_grant", "error_description": "user hasn't approved this consumer"}


def test_sessions_end_when_they_are_not_used(serve: Callable[..., InProcessSandbox]) -> None:
    served = serve(session_seconds=-1)
    token = served.session.post(f"{URL}/services/oauth2/token", data=CREDENTIALS).json()["access_token"]
    answer = served.session.get(f"{URL}/services/data/v59.0/limits", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (401, "INVALID_SESSION_ID")


def test_the_history_shows_who_wrote(serve: Callable[..., InProcessSandbox]) -> None:
    other = {"username": "other@tests.example", "password": "secret"}
    served = serve(users=[USER, other], connected_apps=[APP])
    for login in (USER, other):
        token = served.session.post(f"{URL}/services/oauth2/token", data=PASSWORD | login).json()
        headers = {"Authorization": f"Bearer {token['access_token']}"}
        path = f"{URL}/services/data/v59.0/sobjects/Account/Ext__c/A"
        assert served.session.patch(path, json={"Name": login["username"]}, headers=headers).ok
    history = served.control.history("Account", "A")
    assert [(write["user"], write["fields"]["Name"]) for write in history] == [
        (USER["username"], USER["username"]),
        ("other@tests.example", "other@tests.example"),
    ]
    assert [write["request"] for write in history] == [2, 4]


def test_checks_7_and_8_the_token_answer_has_the_form_that_clients_check(
    sandbox: Control, sandbox_server: RunningSandbox
) -> None:
    answer = token_answer(
        sandbox_server, {"grant_type": "client_credentials"}, ("sandbox-key", "sandbox-secret")
    ).json()
    assert re.fullmatch(r"(00D\w{12,15})![.\w]*", answer["access_token"])
    assert not answer["instance_url"].endswith("/")
    assert re.search(r"/00D\w+/005\w+$", answer["id"])


def test_checks_9_and_11_an_expired_session_is_401_and_simple_salesforce_recovers(
    org: Salesforce, sandbox: Control, sandbox_server: RunningSandbox
) -> None:
    old = org.session_id
    sandbox.expire_sessions()
    address = f"{sandbox_server.http_url}/services/data/v59.0/limits"
    answer = requests.get(address, headers={"Authorization": f"Bearer {old}"}, timeout=10)
    assert answer.status_code == 401
    assert answer.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
    assert org.query("SELECT Id FROM Account")["totalSize"] == 0
    assert org.session_id != old


def test_airflows_hook_works_unmodified(
    sandbox: Control, sandbox_server: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    domain = f"{sandbox_server.https_host}/services/oauth2/token#"
    extra = {"consumer_key": "sandbox-key", "consumer_secret": "sandbox-secret", "domain": domain}
    monkeypatch.setenv("AIRFLOW_CONN_ORG", json.dumps({"conn_type": "salesforce", "extra": extra}))
    hook = SalesforceHook("org")
    assert hook.describe_object("Account")["name"] == "Account"
    assert "Ext__c" in hook.get_available_fields("Account")
    hook.conn.session.close()


def test_check_4_soap_login_can_be_off_and_ends_with_v65(sandbox: Control, sandbox_server: RunningSandbox) -> None:
    domain = f"{sandbox_server.https_host}/services/Soap/u/59.0#"
    sandbox.switch_soap_login(active=False)
    with pytest.raises(SalesforceAuthenticationFailed, match="disabled by default in this org") as rejected:
        Salesforce(**USER, security_token="token", domain=domain)
    assert "INVALID_OPERATION" in str(rejected.value)
    sandbox.switch_soap_login(active=True)
    late = soap_login(sandbox_server.http_url, "sandbox-onlytoken", version="65.0")
    assert (late.status_code, text_of(late.text, "sf:exceptionCode")) == (500, "UNSUPPORTED_API_VERSION")
    assert soap_login(sandbox_server.http_url, "sandbox-onlytoken", version="64.0").status_code == 200


def test_check_5_a_refresh_token_gives_a_new_session(sandbox: Control, sandbox_server: RunningSandbox) -> None:
    form = {"grant_type": "refresh_token", "client_id": "sandbox-key"}
    assert token_answer(sandbox_server, form | {"refresh_token": "5Aep.sandbox-refresh-token"}).ok
    stale = token_answer(sandbox_server, form | {"refresh_token": "stale"})
    assert (stale.status_code, stale.json()["error_description"]) == (400, "expired access/refresh token")


@pytest.mark.parametrize(
    "path", ["limits", "composite/sobjects", "jobs/ingest", "jobs/ingest/750", "query?q=x", "sobjects"]
)
def test_check_9_every_kind_of_path_reports_an_expired_session(
    sandbox: Control, sandbox_server: RunningSandbox, path: str
) -> None:
    method = "POST" if path == "composite/sobjects" else "GET"
    address = f"{sandbox_server.http_url}/services/data/v59.0/{path}"
    answer = requests.request(method, address, headers={"Authorization": "Bearer stale"}, timeout=10)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (401, "INVALID_SESSION_ID")
    assert answer.headers["WWW-Authenticate"] == "Token"


def test_check_10_bulk_v1_reports_an_expired_session_in_both_languages(
    sandbox: Control, sandbox_server: RunningSandbox
) -> None:
    address = f"{sandbox_server.http_url}/services/async/59.0/job"
    stale = {"X-SFDC-Session": "stale"}
    json_answer = requests.post(address, headers=stale | {"Content-Type": "application/json"}, data="{}", timeout=10)
    assert json_answer.status_code == 400
    assert json_answer.json() == {"exceptionCode": "InvalidSessionId", "exceptionMessage": "Invalid session id"}
    xml_answer = requests.post(address, headers=stale | {"Content-Type": "application/xml"}, data="<x/>", timeout=10)
    assert xml_answer.status_code == 400
    assert "<exceptionCode>InvalidSessionId</exceptionCode>" in xml_answer.text
    assert 'xmlns="http://www.force.com/2009/06/asyncapi/dataload"' in xml_answer.text


def test_a_session_knows_its_user(sandbox: Control, sandbox_server: RunningSandbox, org: Salesforce) -> None:
    address = f"{sandbox_server.http_url}/services/oauth2/userinfo"
    message = requests.get(address, headers={"Authorization": f"Bearer {org.session_id}"}, timeout=10).json()
    assert message["preferred_username"] == USER["username"]
    user = org.query(f"SELECT Username FROM User WHERE Id = '{message['user_id']}'")["records"][0]
    assert user["Username"] == USER["username"]
    assert org.query("SELECT Name, IsSandbox FROM Organization")["records"][0]["Name"] == "Tests"

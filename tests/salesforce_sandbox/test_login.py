"""Logging in, as salesforce-wire.md section 7 checks it."""

from __future__ import annotations

import json
import re
import time

import jwt
import pytest
import requests
from airflow.providers.salesforce.hooks.salesforce import SalesforceHook
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceAuthenticationFailed

from salesforce_sandbox.control import Control
from salesforce_sandbox.process import RunningSandbox

USER = {"username": "integration@tests.example", "password": "sandbox-only"}


def token_answer(
    server: RunningSandbox, form: dict[str, str], auth: tuple[str, str] | None = None
) -> requests.Response:
    return requests.post(f"{server.http_url}/services/oauth2/token", data=form, auth=auth, timeout=10)


def test_check_1_soap_login_gives_a_session_at_this_server(sandbox: Control, sandbox_server: RunningSandbox) -> None:
    domain = f"{sandbox_server.https_host}/services/Soap/u/59.0#"
    client = Salesforce(**USER, security_token="token", domain=domain)
    assert client.sf_instance == sandbox_server.https_host
    assert client.query("SELECT Id FROM Account")["totalSize"] == 0
    client.session.close()


def test_check_2_a_wrong_password_is_a_soap_fault(sandbox: Control, sandbox_server: RunningSandbox) -> None:
    domain = f"{sandbox_server.https_host}/services/Soap/u/59.0#"
    with pytest.raises(SalesforceAuthenticationFailed, match=r"INVALID_LOGIN\): Invalid username"):
        Salesforce(username=USER["username"], password="wrong", security_token="x", domain=domain)


@pytest.mark.parametrize("prefix", ["n1", "urn", ""])
def test_check_3_soap_login_reads_the_element_under_any_prefix(
    sandbox: Control, sandbox_server: RunningSandbox, prefix: str
) -> None:
    name, colon = (prefix, ":") if prefix else ("", "")
    declared = f'xmlns{":" + prefix if prefix else ""}="urn:partner.soap.sforce.com"'
    body = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
        f"<{name}{colon}login {declared}><{name}{colon}username>{USER['username']}</{name}{colon}username>"
        f"<{name}{colon}password>sandbox-onlytoken</{name}{colon}password></{name}{colon}login></e:Body></e:Envelope>"
    )
    answer = requests.post(f"{sandbox_server.http_url}/services/Soap/u/59.0", data=body, timeout=10)
    assert answer.status_code == 200
    assert "<sessionId>00D" in answer.text
    assert f"<serverUrl>{sandbox_server.http_url}/services/Soap/u/59.0/" in answer.text


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
        claims = {"iss": "sandbox-key", "sub": USER["username"], "aud": "x", "exp": expires}
        assertion = jwt.api_jws.encode(json.dumps(claims).encode(), pem, algorithm="RS256")
        grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
        assert token_answer(sandbox_server, {"grant_type": grant, "assertion": assertion}).ok


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "client_credentials", "client_id": "no", "client_secret": "x"}, "invalid_client_id"),
        ({"grant_type": "client_credentials", "client_id": "sandbox-key", "client_secret": "x"}, "invalid_client"),
        ({"grant_type": "magic"}, "unsupported_grant_type"),
        (
            {"grant_type": "password", "client_id": "sandbox-key", "client_secret": "sandbox-secret", "username": "x"},
            "invalid_grant",
        ),
    ],
)
def test_check_6_refused_logins_are_400_with_error_and_description(
    sandbox: Control, sandbox_server: RunningSandbox, form: dict[str, str], error: str
) -> None:
    answer = token_answer(sandbox_server, form)
    assert answer.status_code == 400
    assert answer.json()["error"] == error
    assert answer.json()["error_description"]


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
    with pytest.raises(SalesforceAuthenticationFailed, match="disabled by default in this org") as refused:
        Salesforce(**USER, security_token="token", domain=domain)
    assert "INVALID_OPERATION" in str(refused.value)
    sandbox.switch_soap_login(active=True)
    body = '<login xmlns="urn:partner.soap.sforce.com"><username>u</username></login>'
    late = requests.post(f"{sandbox_server.http_url}/services/Soap/u/65.0", data=body, timeout=10)
    assert late.status_code == 500


def test_check_5_a_refresh_token_gives_a_new_session(sandbox: Control, sandbox_server: RunningSandbox) -> None:
    form = {"grant_type": "refresh_token", "client_id": "sandbox-key"}
    assert token_answer(sandbox_server, form | {"refresh_token": "5Aep.sandbox-refresh-token"}).ok
    stale = token_answer(sandbox_server, form | {"refresh_token": "stale"})
    assert (stale.status_code, stale.json()["error_description"]) == (400, "expired access/refresh token")


@pytest.mark.parametrize("path", ["limits", "composite/sobjects", "jobs/ingest", "query?q=x"])
def test_check_9_every_kind_of_path_tells_an_expired_session(
    sandbox: Control, sandbox_server: RunningSandbox, path: str
) -> None:
    method = "POST" if path == "composite/sobjects" else "GET"
    address = f"{sandbox_server.http_url}/services/data/v59.0/{path}"
    answer = requests.request(method, address, headers={"Authorization": "Bearer stale"}, timeout=10)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (401, "INVALID_SESSION_ID")


def test_check_10_bulk_v1_tells_an_expired_session_in_both_languages(
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
    told = requests.get(address, headers={"Authorization": f"Bearer {org.session_id}"}, timeout=10).json()
    assert told["preferred_username"] == USER["username"]
    user = org.query(f"SELECT Username FROM User WHERE Id = '{told['user_id']}'")["records"][0]
    assert user["Username"] == USER["username"]
    assert org.query("SELECT Name, IsSandbox FROM Organization")["records"][0]["Name"] == "Tests"

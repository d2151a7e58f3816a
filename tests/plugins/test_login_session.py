"""The login: it ends in time, sends the credentials nowhere else, and distinguishes rejections from other failures."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import requests

from crm_export.connections.login_session import LoginSession, advise_on_login
from crm_export.connections.opening import make_salesforce_client
from include.export.failures import ConfigurationFailure, LoginFailure, RunFailure, SalesforceFailure
from salesforce_sandbox.control import Control
from salesforce_sandbox.process import RunningSandbox

pytestmark = pytest.mark.filterwarnings("default")  # Airflow's own
TOKEN = {"method": "POST", "path_regex": "oauth2/token"}


@pytest.fixture
def log_in(
    sandbox: Control, sandbox_server: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., type[RunFailure] | str]:
    """Return a function that logs in with a planted answer and returns the failure's message."""

    def log_in(answer: dict[str, object], kind: type[RunFailure]) -> str:
        extra = {
            "consumer_key": "sandbox-key",
            "consumer_secret": "planted-secret" if kind is LoginFailure else "sandbox-secret",
            "domain": f"{sandbox_server.https_host}/services/oauth2/token#",
        }
        defined = {"conn_type": "salesforce", "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_SALESFORCE_DEFAULT", json.dumps(defined))
        if answer:
            sandbox.add_fault(match=TOKEN, answer=answer)
        with pytest.raises(kind) as caught:
            assert make_salesforce_client().session
        assert len(sandbox.requests()) == 1
        assert "planted-secret" not in str(caught.value)
        assert len(str(caught.value)) < 600
        return str(caught.value)

    return log_in


@pytest.mark.fault("B1")
def test_credentials_that_are_rejected_are_tried_once(log_in: Callable[..., str]) -> None:
    assert "invalid_client" in log_in({}, LoginFailure)
    assert not LoginFailure.retriable


@pytest.mark.fault("B1")
def test_a_grant_that_is_rejected_is_a_login_failure(log_in: Callable[..., str]) -> None:
    body = json.dumps({"error": "invalid_grant", "error_description": "authentication failure"})
    assert "invalid_grant authentication failure. Check" in log_in({"status": 400, "body": body}, LoginFailure)


@pytest.mark.fault("B20")
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_does_not_get_the_credentials(
    log_in: Callable[..., str], sandbox_server: RunningSandbox, status: int
) -> None:
    elsewhere = f"{sandbox_server.http_url}/services/oauth2/token"
    detail = log_in({"status": status, "headers": {"Location": elsewhere}}, ConfigurationFailure)
    assert "The redirect was not followed" in detail


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (503, "<html>Down for maintenance</html>"),
        (500, '[{"errorCode": "UNKNOWN_EXCEPTION"}]'),
        (429, "{}"),
        (200, "<html>Log in</html>" * 1000),
        (200, ""),
        (200, "{}"),
        (200, '["a list"]'),
        (404, "{}"),
    ],
)
def test_an_answer_that_is_no_rejection_is_retriable(log_in: Callable[..., str], status: int, body: str) -> None:
    detail = log_in({"status": status, "body": body}, SalesforceFailure)
    assert f"did not answer as documented (HTTP {status}" in detail
    assert SalesforceFailure.retriable


def test_a_login_host_that_never_answers_is_left_in_time(sandbox: Control, sandbox_server: RunningSandbox) -> None:
    sandbox.add_fault(match=TOKEN, delay_seconds=2)
    with LoginSession("salesforce_default", timeout=(1, 0.2)) as session, pytest.raises(requests.Timeout):
        session.post(f"{sandbox_server.https_url}/services/oauth2/token", {"grant_type": "client_credentials"})


def test_soap_login_works_and_its_rejection_is_a_login_failure(
    sandbox: Control, sandbox_server: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def define(password: str) -> None:
        extra = {"security_token": "token", "domain": f"{sandbox_server.https_host}/services/Soap/u/59.0#"}
        defined = {"conn_type": "salesforce", "login": "integration@tests.example", "password": password}
        monkeypatch.setenv("AIRFLOW_CONN_SALESFORCE_DEFAULT", json.dumps(defined | {"extra": extra}))

    define("sandbox-only")
    assert make_salesforce_client().session.access_token.startswith("00D")
    define("wrong")
    with pytest.raises(LoginFailure, match="INVALID_LOGIN"):
        assert make_salesforce_client().session
    sandbox.add_fault(match={"path_regex": "Soap"}, answer={"status": 503, "body": "<html>Down</html>"})
    with pytest.raises(SalesforceFailure, match="HTTP 503 <html>Down"):
        assert make_salesforce_client().session


@pytest.mark.field("F26")
@pytest.mark.parametrize(("chosen", "version"), [(None, "67.0"), ("60.0", "60.0")])
def test_the_login_names_the_org_and_the_exporter_the_version(
    sandbox: Control,
    sandbox_server: RunningSandbox,
    monkeypatch: pytest.MonkeyPatch,
    chosen: str | None,
    version: str,
) -> None:
    sandbox.set_token_form("jwt")
    extra = {
        "consumer_key": "sandbox-key",
        "consumer_secret": "sandbox-secret",
        "domain": f"{sandbox_server.https_host}/services/oauth2/token#",
    } | ({"version": chosen} if chosen else {})
    monkeypatch.setenv("AIRFLOW_CONN_SALESFORCE_DEFAULT", json.dumps({"conn_type": "salesforce", "extra": extra}))
    session = make_salesforce_client().session
    assert (session.organization_id, session.api_version) == ("00Dxx0000001gPL", version)
    assert not session.access_token.startswith("00D")
    assert len(sandbox.requests()) == 1


def test_a_login_with_a_password_stays_at_its_last_version_and_warns(
    sandbox: Control,
    sandbox_server: RunningSandbox,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    extra = {"security_token": "token", "domain": f"{sandbox_server.https_host}/services/Soap/u/59.0#"}
    defined = {"conn_type": "salesforce", "login": "integration@tests.example", "password": "sandbox-only"}
    monkeypatch.setenv("AIRFLOW_CONN_SALESFORCE_DEFAULT", json.dumps(defined | {"extra": extra}))
    session = make_salesforce_client().session
    assert (session.organization_id, session.api_version) == ("00Dxx0000001gPL", "64.0")
    assert "ends this login in summer 2027" in caplog.text


@pytest.mark.parametrize(
    ("code", "message", "advice"),
    [
        ("OAUTH_APP_BLOCKED", "this app is blocked by admin", "unblock the app"),
        ("invalid_grant", "no client credentials user enabled", "run-as user"),
        ("invalid_grant", "ip restricted", "IP ranges"),
        ("INVALID_OPERATION", "SOAP API login() is disabled by default in this org.", "client credentials"),
        ("invalid_client", "invalid client credentials", "Check consumer key"),
    ],
)
def test_a_rejected_login_says_what_to_do(code: str, message: str, advice: str) -> None:
    assert advice in advise_on_login(code, message)

"""Credentials and tokens are sent to Salesforce's hosts only, unless the environment names another."""

from __future__ import annotations

import json

import pytest
import requests

from crm_export.connections.opening import make_salesforce_client
from crm_export.connections.salesforce_hosts import VARIABLE, check_login_address, check_org_address
from include.export.failures import ConfigurationFailure, SalesforceFailure
from include.export.salesforce import OrgSession
from salesforce_sandbox.control import Control
from salesforce_sandbox.process import RunningSandbox

pytestmark = [pytest.mark.filterwarnings("default"), pytest.mark.security("M1")]  # Airflow's own warnings
PATH = "/services/oauth2/token"


def login_of(domain: str) -> str:
    """Return the address that simple_salesforce derives from a connection's domain."""
    return f"https://{domain}.salesforce.com{PATH}"


@pytest.mark.parametrize("domain", ["login", "test", "acme.my", "acme--uat.sandbox.my", "acme.develop.my"])
def test_domains_of_salesforce_are_allowed(domain: str) -> None:
    check_login_address(login_of(domain), "salesforce_default")
    check_login_address(f"https://{domain}.salesforce.com/services/Soap/u/64.0", "salesforce_default")


@pytest.mark.parametrize("host", ["acme.my.salesforce.com", "acme.my.salesforce.mil", "x.force.com"])
def test_orgs_of_salesforces_clouds_are_allowed(host: str) -> None:
    check_org_address(host, "salesforce_default")


@pytest.mark.parametrize(
    "domain",
    [
        "attacker.example/collect#", "attacker.example#", "attacker.example?", "attacker.example/",
        "x@attacker.example/", "acme.my.salesforce.com@attacker.example#", "attacker.example:8443/token#",
        "attacker.example\\", "a.salesforce.com.attacker.example/services/oauth2/token#", "notsalesforce.com#",
        "acme.my#", "acme.my?", "a@acme.my", "acme.my/x", "127.0.0.2/services/oauth2/token#",
        "[::1]/services/oauth2/token#", "",
    ],
)  # fmt: skip
def test_a_domain_that_leads_elsewhere_gets_no_credentials(domain: str) -> None:
    with pytest.raises(ConfigurationFailure, match="credentials were not sent"):
        check_login_address(login_of(domain), "salesforce_default")


@pytest.mark.parametrize(
    "host",
    [
        "attacker.example",
        "salesforce.com.attacker.example",
        "xsalesforce.com",
        "force.com",
        "127.0.0.2:1",
        "a.my.sfcrmproducts.cn",
    ],
)
def test_an_org_elsewhere_gets_no_token(host: str) -> None:
    with pytest.raises(ConfigurationFailure, match="nothing was sent there"):
        check_org_address(host, "salesforce_default")


def test_plain_http_is_never_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "127.0.0.1, proxy.example")
    check_login_address("https://proxy.example/anything", "salesforce_default")
    for host in ("proxy.example", "acme.my.salesforce.com"):
        with pytest.raises(ConfigurationFailure):
            check_login_address(f"http://{host}{PATH}", "salesforce_default")


def define(monkeypatch: pytest.MonkeyPatch, domain: str) -> None:
    keys = {"consumer_key": "sandbox-key", "consumer_secret": "sandbox-secret", "domain": domain}
    monkeypatch.setenv("AIRFLOW_CONN_SALESFORCE_DEFAULT", json.dumps({"conn_type": "salesforce", "extra": keys}))


def test_without_the_variable_the_secret_never_leaves(
    sandbox: Control, sandbox_server: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    define(monkeypatch, f"{sandbox_server.https_host}{PATH}#")
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(ConfigurationFailure, match="not a Salesforce login host"):
        assert make_salesforce_client().session
    assert sandbox.requests() == []


def test_the_org_of_an_answer_is_checked_too(
    sandbox: Control, sandbox_server: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    define(monkeypatch, f"{sandbox_server.https_host}{PATH}#")
    body = json.dumps({"access_token": "00Dx!planted", "instance_url": "https://attacker.example", "id": ""})
    sandbox.add_fault(match={"path_regex": "oauth2"}, answer={"status": 200, "body": body})
    with pytest.raises(ConfigurationFailure, match=r"'attacker\.example', which is not a Salesforce host"):
        assert make_salesforce_client().session


def test_a_token_is_in_no_message_and_no_repr(
    sandbox: Control, sandbox_server: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    define(monkeypatch, f"{sandbox_server.https_host}{PATH}#")
    token = "00D000000000001!AQ.planted-secret"
    for body in (json.dumps({"access_token": token}), f"<html>{token}</html>"):
        sandbox.add_fault(match={"path_regex": "oauth2"}, answer={"status": 200, "body": body}, times=1)
        with pytest.raises(SalesforceFailure) as caught:
            assert make_salesforce_client().session
        assert token[:18] not in str(caught.value)
    assert token not in repr(OrgSession("https://x.my.salesforce.com", token, requests.Session(), "67.0"))

"""Every endpoint times every fault, in both modes: no export error, no wrong watermark, and the next run is right."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from crm_export.connections import make_salesforce_client
from exporter import Exporter
from include.export.failures import (
    CircuitFailure,
    ConfigurationFailure,
    LoginFailure,
    QuotaFailure,
    RunFailure,
    SalesforceFailure,
)
from include.export.runs import Outcome
from killing import Story
from salesforce_sandbox.process import RunningSandbox

pytestmark = pytest.mark.filterwarnings("default")  # Airflow's own, at login
BATCH = 4
ALWAYS = 99  # calls


@dataclass(frozen=True)
class Fault:
    """A fault and the failure it must end a run with."""

    strike: dict[str, Any]
    kind: type[RunFailure]


def answer(status: int, body: str = "", **headers: str) -> dict[str, Any]:
    return {"answer": {"status": status, "body": body, "headers": headers}}


def refusal(status: int, code: str) -> dict[str, Any]:
    return answer(status, json.dumps([{"errorCode": code, "message": "planted"}]))


FAULTS = {
    "400 field": Fault(refusal(400, "INVALID_FIELD"), ConfigurationFailure),
    "401": Fault(refusal(401, "INVALID_SESSION_ID"), LoginFailure),
    "403 quota": Fault(refusal(403, "REQUEST_LIMIT_EXCEEDED"), QuotaFailure),
    "403 right": Fault(refusal(403, "API_DISABLED_FOR_ORG"), ConfigurationFailure),
    "404": Fault(refusal(404, "NOT_FOUND"), ConfigurationFailure),
    "429": Fault(answer(429, "[]", **{"Retry-After": "0"}), SalesforceFailure),
    "500": Fault(refusal(500, "UNKNOWN_EXCEPTION"), SalesforceFailure),
    "503 HTML": Fault(answer(503, "<html>Down for maintenance</html>"), SalesforceFailure),
    "redirect": Fault(answer(302, "", Location="https://evil.example/"), ConfigurationFailure),
    "reset before": Fault({"cut": "before"}, SalesforceFailure),
    "reset after": Fault({"cut": "after"}, SalesforceFailure),
    "answer lost": Fault(answer(503) | {"after_commit": True}, SalesforceFailure),
    "200 empty": Fault(answer(200), SalesforceFailure),
    "200 HTML": Fault(answer(200, "<html>Log in</html>"), SalesforceFailure),
    "200 cut": Fault(answer(200, '[{"id": "0012'), SalesforceFailure),
    "200 other JSON": Fault(answer(200, '{"other": [1]}'), SalesforceFailure),
    "200 with 10 MB": Fault(answer(200, "x" * 10_000_000), SalesforceFailure),
}
ENDPOINTS = {
    "login": ("POST", "oauth2/token"),
    "describe": ("GET", "/describe$"),
    "query": ("GET", r"/query\?"),
    "delete": ("DELETE", "composite/sobjects"),
    "upsert": ("PATCH", "composite/sobjects/Account/Ext__c"),
}
# what a fault means at one endpoint only: the login host speaks OAuth, and a request is refused for its records
KINDS: dict[tuple[str, str], Any] = {
    ("login", "*"): dict.fromkeys(["400 field", "401", "403 quota", "403 right", "404"], SalesforceFailure),
    ("upsert", "400 field"): CircuitFailure,
    ("delete", "400 field"): CircuitFailure,
}


@pytest.fixture
def story(exporter: Exporter, sandbox_server: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> Story:
    domain = f"{sandbox_server.https_host}/services/oauth2/token#"
    keys = {"consumer_key": "sandbox-key", "consumer_secret": "sandbox-secret", "domain": domain}
    monkeypatch.setenv("AIRFLOW_CONN_SALESFORCE_DEFAULT", json.dumps({"conn_type": "salesforce", "extra": keys}))
    exporter.client = lambda: replace(make_salesforce_client(), repeat_delays=(0.0, 0.0))  # type: ignore[method-assign] # with the product's login
    exporter.options = {"batch_size": BATCH, "lease_seconds": 0.01}
    return Story(exporter)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.fault("B18", "B21")
def test_no_fault_is_an_export_error_and_the_next_run_is_right(story: Story, endpoint: str) -> None:
    method, path = ENDPOINTS[endpoint]
    for name, fault in FAULTS.items():
        kind = KINDS.get((endpoint, name), KINDS.get((endpoint, "*"), {}).get(name, fault.kind))
        strike = {"match": {"method": method, "path_regex": path}} | fault.strike
        for pause in (True, False):
            with noted(f"{endpoint}, {name}, pause {pause}"):
                see_it_fail(story, strike, kind, pause=pause)
        with noted(f"{endpoint}, {name}, once"):
            see_it_pass_or_fail(story, strike, kind)


def see_it_fail(story: Story, strike: dict[str, Any], kind: type[RunFailure], *, pause: bool) -> None:
    story.begin()
    story.exporter.control.add_fault(**strike, times=ALWAYS)
    with pytest.raises(kind) as caught:
        story.exporter.run(pause=pause)
    assert type(caught.value) is kind
    assert len(str(caught.value)) < 1_000
    check_and_go_on(story, pause=pause)


def see_it_pass_or_fail(story: Story, strike: dict[str, Any], kind: type[RunFailure]) -> None:
    story.begin()
    story.exporter.control.add_fault(**strike)
    with contextlib.suppress(kind):
        story.exporter.run()
    check_and_go_on(story, pause=True)


def check_and_go_on(story: Story, *, pause: bool) -> None:
    assert story.exporter.errors() == []
    story.check_moment()
    story.exporter.control.clear_faults()
    story.change()
    assert story.exporter.run(pause=pause).outcome is Outcome.COMPLETE
    story.check_moment()
    story.check_end(set())


@contextmanager
def noted(what: str) -> Generator[None]:
    try:
        yield
    except BaseException as error:
        error.add_note(what)
        raise

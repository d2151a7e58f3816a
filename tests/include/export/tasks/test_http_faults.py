"""Every endpoint with every fault, in both modes: no export error, no wrong watermark, and a correct next run."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from crm_export.connections.opening import make_salesforce_client
from exporter import Exporter, make_stream
from include.export.failures import (
    CircuitFailure,
    ConfigurationFailure,
    LoginFailure,
    QuotaFailure,
    RunFailure,
    SalesforceFailure,
)
from include.export.ledger.runs import Outcome
from killing import Story
from salesforce_sandbox.process import RunningSandbox

pytestmark = [
    pytest.mark.filterwarnings("default"),  # Airflow's own, at login
    pytest.mark.timeout(1800),
]
BATCH = 4
ALWAYS = 99  # calls


@dataclass(frozen=True)
class Fault:
    """A fault and the failure with which it must end a run."""

    strike: dict[str, Any]
    kind: type[RunFailure]


def answer(status: int, body: str = "", **headers: str) -> dict[str, Any]:
    return {"answer": {"status": status, "body": body, "headers": headers}}


def rejection(status: int, code: str, message: str = "planted") -> dict[str, Any]:
    return answer(status, json.dumps([{"errorCode": code, "message": message}]))


FAULTS = {
    "400 field": Fault(rejection(400, "INVALID_FIELD"), ConfigurationFailure),
    "401": Fault(rejection(401, "INVALID_SESSION_ID"), LoginFailure),
    "400 busy": Fault(rejection(400, "QUERY_TIMEOUT"), SalesforceFailure),
    "403 quota": Fault(rejection(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), QuotaFailure),
    "403 concurrent": Fault(
        rejection(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded."), SalesforceFailure
    ),
    "403 of a proxy": Fault(answer(403, "<html>Blocked</html>"), ConfigurationFailure),
    "403 right": Fault(rejection(403, "API_DISABLED_FOR_ORG"), ConfigurationFailure),
    "404": Fault(rejection(404, "NOT_FOUND"), ConfigurationFailure),
    "429": Fault(answer(429, "[]", **{"Retry-After": "0"}), SalesforceFailure),
    "500": Fault(rejection(500, "UNKNOWN_EXCEPTION"), SalesforceFailure),
    "503 HTML": Fault(answer(503, "<html>Down for maintenance</html>"), SalesforceFailure),
    "redirect": Fault(answer(302, "", Location="https://evil.example/"), ConfigurationFailure),
    "reset before": Fault({"cut": "before"}, SalesforceFailure),
    "reset after": Fault({"cut": "after"}, SalesforceFailure),
    "never answered": Fault({"cut": "before", "delay_seconds": 1.0}, SalesforceFailure),
    "answer lost": Fault(answer(503) | {"after_commit": True}, SalesforceFailure),
    "200 empty": Fault(answer(200), SalesforceFailure),
    "200 HTML": Fault(answer(200, "<html>Log in</html>"), SalesforceFailure),
    "200 cut": Fault(answer(200, '[{"id": "0012'), SalesforceFailure),
    "200 other JSON": Fault(answer(200, '{"other": [1]}'), SalesforceFailure),
    "200 with 10 MB": Fault(answer(200, "x" * 10_000_000), SalesforceFailure),
}


@dataclass(frozen=True)
class Endpoint:
    """A call, and the story in which it is made."""

    method: str
    path: str
    bulk: bool = False
    rejected: bool = False
    job_fails: bool = False


ENDPOINTS = {
    "login": Endpoint("POST", "oauth2/token"),
    "describe": Endpoint("GET", "/describe$"),
    "query": Endpoint("GET", r"/query\?"),
    "delete": Endpoint("DELETE", "composite/sobjects"),
    "upsert": Endpoint("PATCH", "composite/sobjects/Account/Ext__c"),
    "limits": Endpoint("GET", "/limits$", bulk=True),
    "create a job": Endpoint("POST", "/jobs/ingest$", bulk=True),
    "upload": Endpoint("PUT", "/batches$", bulk=True),
    "close": Endpoint("PATCH", r"/jobs/ingest/\w+$", bulk=True),
    "poll": Endpoint("GET", r"/jobs/ingest/\w+$", bulk=True),
    "rejected results": Endpoint("GET", "/failedResults", bulk=True, rejected=True),
    "accepted results": Endpoint("GET", "/successfulResults", bulk=True, job_fails=True),
    "unprocessed results": Endpoint("GET", "/unprocessedrecords", bulk=True, job_fails=True),
}
# special meanings at one endpoint: the login host speaks OAuth, and a request is rejected for its records
KINDS: dict[tuple[str, str], Any] = {
    ("login", "*"): dict.fromkeys(
        ["400 field", "400 busy", "401", "403 quota", "403 concurrent", "403 of a proxy", "403 right", "404"],
        SalesforceFailure,
    ),
    ("upsert", "400 field"): CircuitFailure,
    ("delete", "400 field"): CircuitFailure,
    ("poll", "404"): SalesforceFailure,
    # an org that does not report its limits does not stop the run
    ("limits", "*"): dict.fromkeys(
        ["400 field", "403 of a proxy", "403 right", "404", "redirect", "200 empty", "200 other JSON"]
    ),
    # the job is polled, and it was closed
    ("close", "reset after"): None,
    ("close", "answer lost"): None,
}


@pytest.fixture
def story(exporter: Exporter, sandbox_server: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> Story:
    domain = f"{sandbox_server.https_host}/services/oauth2/token#"
    keys = {"consumer_key": "sandbox-key", "consumer_secret": "sandbox-secret", "domain": domain}
    monkeypatch.setenv("AIRFLOW_CONN_SALESFORCE_DEFAULT", json.dumps({"conn_type": "salesforce", "extra": keys}))
    exporter.client = lambda: replace(make_salesforce_client(), repeat_delays=(0.0, 0.0), timeouts=exporter.timeouts)  # type: ignore[method-assign] # with the product's login
    exporter.options = {"batch_size": BATCH, "lease_seconds": 0.01, "poll_delays": (0.01, 0.03)}
    return Story(exporter)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.fault("B18", "B21")
def test_no_fault_is_an_export_error_and_the_next_run_is_right(story: Story, endpoint: str, whole: bool) -> None:
    place = ENDPOINTS[endpoint]
    for number, (name, fault) in enumerate(FAULTS.items()):
        if (endpoint, name) == ("login", "never answered"):
            continue  # a login waits as long as other calls, and is tested where that can be set
        kind = KINDS.get((endpoint, name), KINDS.get((endpoint, "*"), {}).get(name, fault.kind))
        strike = {"match": {"method": place.method, "path_regex": place.path}} | fault.strike
        for pause in (True, False) if whole else ((number + list(ENDPOINTS).index(endpoint)) % 2 == 0,):
            with noted(f"{endpoint}, {name}, pause {pause}"):
                see_it_fail(story, place, strike, kind, pause=pause)
        if whole:
            with noted(f"{endpoint}, {name}, once"):
                see_it_pass_or_fail(story, place, strike, kind)


def begin(story: Story, place: Endpoint) -> None:
    story.rejected, story.rows = place.rejected, 30 if place.bulk else 10
    story.exporter.stream = make_stream(bulk_from=10 if place.bulk else None)
    story.begin()
    story.exporter.control.set_bulk(batch_rows=4)
    if place.job_fails:
        story.exporter.control.add_job_fault(fail="InternalServerError : planted", fail_after_batches=1)


def see_it_fail(
    story: Story, place: Endpoint, strike: dict[str, Any], kind: type[RunFailure] | None, *, pause: bool
) -> None:
    begin(story, place)
    story.exporter.control.add_fault(**strike, times=ALWAYS)
    story.exporter.timeouts = (5, 0.3) if "delay_seconds" in strike else (5, 90)
    if kind is None:
        assert story.exporter.run(pause=pause).outcome is Outcome.COMPLETE
    else:
        with pytest.raises(kind) as caught:
            story.exporter.run(pause=pause)
        assert type(caught.value) is not RunFailure
        assert len(str(caught.value)) < 1_000
    assert story.exporter.errors() == []
    check_and_go_on(story, place, pause=pause)


def see_it_pass_or_fail(story: Story, place: Endpoint, strike: dict[str, Any], kind: type[RunFailure] | None) -> None:
    begin(story, place)
    story.exporter.control.add_fault(**strike)
    allowed = {kind or SalesforceFailure, SalesforceFailure if place.job_fails else kind or SalesforceFailure}
    with contextlib.suppress(*allowed):
        story.exporter.run()
    check_and_go_on(story, place, pause=True)


def check_and_go_on(story: Story, place: Endpoint, *, pause: bool) -> None:
    exporter = story.exporter
    story.check_moment()
    exporter.control.clear_faults()
    exporter.timeouts = (5, 90)
    story.change()
    story.repair()
    for _ in range(3):
        try:
            report = exporter.run(pause=pause)
        except SalesforceFailure as failed:  # the job that fails in the story
            assert place.job_fails, failed  # noqa: PT017 - any other failure ends the test
        else:
            break
    assert report.outcome is Outcome.COMPLETE
    if place.rejected:
        exporter.reexport(every=True)
    story.check_moment()
    story.check_end(set())


@contextmanager
def noted(what: str) -> Generator[None]:
    try:
        yield
    except BaseException as error:
        error.add_note(what)
        raise

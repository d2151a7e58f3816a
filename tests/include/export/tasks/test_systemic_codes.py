"""Run-level codes of only some records, transient failures of calls, deletes of missing records, write headers."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import pytest
import requests

from exporter import Exporter, make_stream
from include.export.failures import (
    CircuitFailure,
    ConfigurationFailure,
    QuotaFailure,
    RunFailure,
    SalesforceFailure,
)
from include.export.ledger.runs import Outcome
from include.export.salesforce.client import SalesforceClient
from include.export.tasks.trial import try_record

PATCH = {"method": "PATCH", "path_regex": "composite"}
ACCEPTED = {"success": True, "id": "001000000000001AAA", "created": True, "errors": []}
ROLLED_BACK = "ALL_OR_NONE_OPERATION_ROLLED_BACK"
SOME = {
    "INVALID_FIELD_FOR_INSERT_UPDATE": "Account: bad field names on insert/update call: Name",
    "LIMIT_EXCEEDED": "You have reached the limit for this feature",
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": "T: execution of AfterInsert caused by: System.DmlException: Insert "
    "failed. First exception on row 0; first error: "
    "INVALID_FIELD_FOR_INSERT_UPDATE, Unable to create/update fields: Name",
    "CANNOT_EXECUTE_FLOW_TRIGGER": "The flow failed: REQUEST_LIMIT_EXCEEDED, Email limit exceeded",
}


def rejected(code: str, message: str = "") -> dict[str, Any]:
    return {"success": False, "errors": [{"statusCode": code, "message": message, "fields": []}]}


def plant(exporter: Exporter, results: list[dict[str, Any]], **more: Any) -> None:
    """Answer the next Collections request with results and execute none of it."""
    exporter.control.add_fault(match=PATCH, answer={"status": 200, "body": json.dumps(results)}, **more)


@pytest.mark.field("F1")
@pytest.mark.parametrize("code", SOME)
def test_one_record_among_others_with_a_code_of_the_run_is_an_export_error_when_off(
    exporter: Exporter, code: str
) -> None:
    exporter.add_many(1, 10)
    plant(exporter, [ACCEPTED] * 3 + [rejected(code, SOME[code])] + [ACCEPTED] * 6)
    report = exporter.run(pause=False)
    assert (report.outcome, report.rejected) == (Outcome.COMPLETE, 1)
    [error] = exporter.errors()
    assert (error["record_key"], error["error_code"]) == ("4", code)


@pytest.mark.field("F1")
@pytest.mark.parametrize("code", SOME)
def test_the_same_record_holds_the_stream_when_on_and_its_probe_and_the_daily_job_go_on(
    exporter: Exporter, code: str
) -> None:
    exporter.add_many(1, 10)
    bad = rejected(code, SOME[code])
    plant(exporter, [rejected(ROLLED_BACK)] * 3 + [bad] + [rejected(ROLLED_BACK)] * 6)
    assert exporter.run().outcome is Outcome.HELD
    assert exporter.watermark() == "3"
    exporter.control.clear_faults()
    plant(exporter, [bad])
    before = exporter.last_call()
    assert exporter.run().outcome is Outcome.HELD
    assert len(exporter.calls(before)) == 1
    exporter.control.clear_faults()
    assert exporter.run().outcome is Outcome.COMPLETE
    assert len(exporter.names()) == 10


@pytest.mark.field("F1")
def test_the_daily_job_is_not_stopped_by_errors_that_are_all_of_the_run(exporter: Exporter) -> None:
    exporter.add_many(1, 25)
    bad = rejected("INVALID_FIELD_FOR_INSERT_UPDATE", "not for person accounts")
    plant(exporter, [ACCEPTED] * 4 + [bad] * 21)
    assert exporter.run(pause=False).rejected == 21
    exporter.control.clear_faults()
    plant(exporter, [bad] * 21)
    report = exporter.reexport(every=True)
    assert (report.tried, report.still_rejected) == (21, 21)


@pytest.mark.field("F1")
@pytest.mark.parametrize("pause", [True, False])
def test_nearly_every_record_with_a_code_of_the_run_stops_it(exporter: Exporter, pause: bool) -> None:
    exporter.add_many(1, 25)
    others = [rejected(ROLLED_BACK) if pause else ACCEPTED] * 2
    plant(exporter, [rejected("INVALID_FIELD_FOR_INSERT_UPDATE", "no right")] * 23 + others)
    with pytest.raises(CircuitFailure, match=r"23 of 25 .*key=1: INVALID_FIELD_FOR_INSERT_UPDATE"):
        exporter.run(pause=pause)
    assert (exporter.errors(), exporter.watermark()) == ([], None)


@pytest.mark.field("F1")
def test_the_description_shows_that_a_single_record_is_at_fault_and_not_the_run(exporter: Exporter) -> None:
    exporter.add_many(1, 1)
    plant(exporter, [rejected("INVALID_FIELD_FOR_INSERT_UPDATE", "not for person accounts")])
    assert exporter.run(pause=False).rejected == 1
    assert [error["record_key"] for error in exporter.errors()] == ["1"]


def test_maintenance_is_retried_later_and_no_export_error(exporter: Exporter) -> None:
    exporter.add_many(1, 3)
    plant(exporter, [rejected("INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE")] * 3)
    with pytest.raises(SalesforceFailure, match="maintenance") as caught:
        exporter.run(pause=False)
    assert caught.value.retriable
    assert exporter.errors() == []


def rejection(status: int, code: str, message: str) -> dict[str, Any]:
    return {"status": status, "body": json.dumps([{"errorCode": code, "message": message}])}


@pytest.mark.field("F15", "F25")
@pytest.mark.parametrize(
    "answer",
    [
        rejection(400, "QUERY_TIMEOUT", "Your query request was running for too long."),
        rejection(400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"),
        rejection(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded."),
        rejection(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded."),
    ],
    ids=["query timeout", "lock", "concurrent", "long"],
)
@pytest.mark.parametrize("match", [PATCH, {"kind": "describe"}], ids=["write", "describe"])
def test_transient_failures_are_retried(exporter: Exporter, answer: dict[str, Any], match: dict[str, Any]) -> None:
    exporter.add_many(1, 3)
    exporter.control.add_fault(match=match, answer=answer)
    assert exporter.run().outcome is Outcome.COMPLETE
    exporter.add_many(4, 6, minute=5)
    exporter.connection.execute("update crm_export.ExportWatermarks set described_at = null")
    exporter.control.add_fault(match=match, answer=answer, times=99)
    with pytest.raises(SalesforceFailure, match=json.loads(answer["body"])[0]["message"].split("(")[0].strip()):
        exporter.run()
    assert exporter.errors() == []


@pytest.mark.field("F15", "F25")
@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (
            rejection(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
            QuotaFailure,
            "API Requests, Last 24",
        ),
        (rejection(400, "INVALID_QUERY_LOCATOR", "invalid query locator"), SalesforceFailure, "repeats the query"),
        (rejection(403, "OPERATION_TOO_LARGE", "exceeded 20000 distinct ids"), ConfigurationFailure, "View All Data"),
        ({"status": 403, "body": "<html>Blocked</html>"}, ConfigurationFailure, "proxy or firewall"),
        ({"status": 410, "body": ""}, ConfigurationFailure, "version of its API"),
    ],
)
def test_a_call_is_judged_by_its_code_before_its_status(
    exporter: Exporter, answer: dict[str, Any], kind: type[RunFailure], words: str
) -> None:
    exporter.add_many(1, 3)
    exporter.control.add_fault(match={"kind": "describe"}, answer=answer, times=99)
    with pytest.raises(kind, match=words):
        exporter.run()


@pytest.mark.field("F27")
@pytest.mark.parametrize("code", ["INVALID_CROSS_REFERENCE_KEY", "NOT_FOUND", "ENTITY_IS_DELETED"])
@pytest.mark.parametrize("pause", [True, False])
def test_deleting_a_missing_record_counts_as_done(exporter: Exporter, code: str, pause: bool) -> None:
    exporter.add({"id": 1})
    exporter.run()
    exporter.change(1, 5, deleted_at="2026-01-01")
    gone = {"method": "DELETE", "path_regex": "composite"}
    answer = {"status": 200, "body": json.dumps([rejected(code, "invalid cross reference id")])}
    exporter.control.add_fault(match=gone, answer=answer, times=2)
    assert try_record(exporter.inputs(), "1").accepted
    assert exporter.run(pause=pause).outcome is Outcome.COMPLETE
    assert exporter.errors() == []


@pytest.mark.field("F26")
def test_an_org_whose_tokens_do_not_name_it_is_guarded_too(exporter: Exporter) -> None:
    exporter.control.set_token_form("jwt")
    exporter.add({"id": 1}, {"id": 2, "name": "bad"})
    assert exporter.run().outcome is Outcome.HELD
    row = exporter.connection.execute("select organization_id from crm_export.ExportWatermarks").fetchone()
    assert row == ("00Dxx0000001gPL",)
    exporter.connection.execute("update crm_export.ExportWatermarks set organization_id = '00DANOTHER00000'")
    with pytest.raises(ConfigurationFailure, match="00DANOTHER00000"):
        exporter.run()


class HeaderLog(requests.Session):
    """A session that keeps the headers of writes."""

    writes: ClassVar[list[dict[str, str]]] = []

    def request(self, method: Any, url: Any, *given: Any, **named: Any) -> requests.Response:
        """Send a request; uploads, which carry rows only, and logins are not kept."""
        if method in {"PATCH", "POST"} and "/services/data/" in str(url):
            self.writes.append(dict(named["headers"]))
        return super().request(method, url, *given, **named)


@pytest.mark.field("F3", "F19")
@pytest.mark.parametrize(
    ("options", "headers"),
    [
        ({}, {"Sforce-Auto-Assign": "FALSE"}),
        ({"assignment_rule": True}, {"Sforce-Auto-Assign": "TRUE"}),
        ({"assignment_rule": "01Q000000000001"}, {"Sforce-Auto-Assign": "01Q000000000001"}),
        (
            {"duplicate_rule": "allow"},
            {"Sforce-Auto-Assign": "FALSE", "Sforce-Duplicate-Rule-Header": "allowSave=true"},
        ),
    ],
)
def test_writes_have_the_headers_for_the_org_s_rules(
    exporter: Exporter, options: dict[str, Any], headers: dict[str, str]
) -> None:
    exporter.stream = make_stream(bulk_from=10, bulk_from_paused=10, **options)
    exporter.add_many(1, 60)
    HeaderLog.writes.clear()
    exporter.make_session = HeaderLog
    assert exporter.run(pause=False).outcome is Outcome.COMPLETE
    assert HeaderLog.writes
    for sent in HeaderLog.writes:
        assert {name: sent[name] for name in sent if name.startswith("Sforce-")} == headers
    used_jobs = any("/jobs/ingest" in call["path"] for call in exporter.calls())
    assert used_jobs == ("duplicate_rule" not in options and options.get("assignment_rule") is not True)
    created = [call for call in exporter.calls() if call["path"].endswith("/jobs/ingest") and call["method"] == "POST"]
    if isinstance(options.get("assignment_rule"), str):
        assert {json.loads(call["body"])["assignmentRuleId"] for call in created} == {options["assignment_rule"]}


def test_a_client_s_catalogue_is_the_project_s(exporter: Exporter) -> None:
    assert SalesforceClient(exporter.login).catalogue.knows("UNABLE_TO_LOCK_ROW")

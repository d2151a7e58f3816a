"""Bulk API v1, as docs/sandbox-checks.md lists it."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests
from lxml import etree

from rest import Rest
from salesforce_sandbox.control import Control

NAMESPACE = "{http://www.force.com/2009/06/asyncapi/dataload}"


class Classic:
    """Bulk API v1 without any client library."""

    def __init__(self, rest: Rest, kind: str) -> None:
        token = str(rest.session.headers["Authorization"]).removeprefix("Bearer ")
        self.url = rest.url.replace("/services/data/v59.0", "/services/async/59.0/job")
        self.headers = {"X-SFDC-Session": token, "Content-Type": kind}

    def call(self, method: str, path: str = "", body: Any = None, **headers: str) -> requests.Response:
        data = {"json": body} if isinstance(body, dict | list) else {"data": body}
        return requests.request(method, self.url + path, headers=self.headers | headers, timeout=10, **data)


def finish(classic: Classic, job: str, batch: str, read: Any) -> str:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        state = str(read(classic.call("GET", f"/{job}/batch/{batch}")))
        if state in {"Completed", "Failed"}:
            return state
        time.sleep(0.01)
    raise AssertionError("the batch does not end")


def json_state(answer: requests.Response) -> str:
    return str(answer.json()["state"])


@pytest.fixture
def classic(rest: Rest) -> Classic:
    return Classic(rest, "application/json")


def start(classic: Classic, records: list[dict[str, Any]], mode: int = 0) -> tuple[str, str]:
    asked = {"operation": "upsert", "object": "Account", "concurrencyMode": mode, "contentType": "JSON",
             "externalIdFieldName": "Ext__c"}  # fmt: skip
    job = classic.call("POST", "", asked)
    assert job.status_code == 201
    assert job.json()["concurrencyMode"] == ("Serial" if mode else "Parallel")
    batch = classic.call("POST", f"/{job.json()['id']}/batch", records)
    assert batch.status_code == 201
    assert batch.json()["id"].startswith("751")
    return job.json()["id"], batch.json()["id"]


@pytest.mark.parametrize("mode", [0, 1])
def test_check_63_json_batches_keep_the_order_of_their_results(classic: Classic, sandbox: Control, mode: int) -> None:
    sandbox.add_records("Account", [{"Ext__c": "P", "Name": "parent"}])
    records = [{"Ext__c": "A", "Name": "first"}, {"Ext__c": "B", "Name": "bad"}, {"Ext__c": "C", "Name": "c",
               "Parent": {"Ext__c": "P"}}]  # fmt: skip
    job, batch = start(classic, records, mode)
    assert finish(classic, job, batch, json_state) == "Completed"
    first, second, third = classic.call("GET", f"/{job}/batch/{batch}/result").json()
    assert (first["success"], first["created"], third["success"]) == (True, True, True)
    assert second["errors"][0]["statusCode"] == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert (second["id"], second["created"]) == (None, False)
    assert classic.call("GET", f"/{job}/batch/{batch}/request").json() == records
    closed = classic.call("POST", f"/{job}", {"state": "Closed"}).json()
    assert (closed["state"], closed["numberBatchesCompleted"], closed["numberRecordsFailed"]) == ("Closed", 1, 1)


def test_check_64_an_unknown_field_fails_the_batch_and_its_results(classic: Classic, sandbox: Control) -> None:
    job, batch = start(classic, [{"Ext__c": "A", "Name": "x", "Nope__c": 1}])
    assert finish(classic, job, batch, json_state) == "Failed"
    message = classic.call("GET", f"/{job}/batch/{batch}").json()["stateMessage"]
    assert message == "InvalidBatch : Field name not found : Nope__c"
    results = classic.call("GET", f"/{job}/batch/{batch}/result")
    assert results.status_code == 400
    assert results.json() == {"exceptionCode": "InvalidBatch", "exceptionMessage": "Records not processed"}
    assert sandbox.records("Account") == []


def test_xml_jobs_take_csv_batches(rest: Rest, sandbox: Control) -> None:
    classic = Classic(rest, "application/xml")
    body = (
        '<jobInfo xmlns="http://www.force.com/2009/06/asyncapi/dataload"><operation>upsert</operation>'
        "<object>Account</object><externalIdFieldName>Ext__c</externalIdFieldName><contentType>CSV</contentType></jobInfo>"
    )
    created = etree.fromstring(classic.call("POST", "", body).content)
    job = created.findtext(f"{NAMESPACE}id")
    assert created.findtext(f"{NAMESPACE}state") == "Open"
    sent = classic.call("POST", f"/{job}/batch", "Ext__c,Name\nA,fine\nB,bad\n", **{"Content-Type": "text/csv"})
    batch = etree.fromstring(sent.content).findtext(f"{NAMESPACE}id")

    def state(answer: requests.Response) -> str:
        return str(etree.fromstring(answer.content).findtext(f"{NAMESPACE}state"))

    assert finish(classic, str(job), str(batch), state) == "Completed"
    results = classic.call("GET", f"/{job}/batch/{batch}/result")
    assert results.headers["Content-Type"] == "text/csv"
    lines = results.text.splitlines()
    assert lines[0] == '"Id","Success","Created","Error"'
    assert lines[1].endswith('"true","true",""')
    assert lines[2] == (
        '"","false","false","FIELD_CUSTOM_VALIDATION_EXCEPTION:This name is not welcome:Name --"'
    )  # fmt: skip


def test_wrong_jobs_and_batches_are_rejected(classic: Classic) -> None:
    wrong = classic.call("POST", "", {"operation": "upsert", "object": "Nothing"})
    assert (wrong.status_code, wrong.json()["exceptionCode"]) == (400, "InvalidJob")
    wrong = classic.call("POST", "", {"operation": "merge", "object": "Account"})
    assert wrong.json()["exceptionCode"] == "InvalidJob"
    assert classic.call("GET", "/750000000000zzz").json()["exceptionCode"] == "InvalidJob"
    job = classic.call("POST", "", {"operation": "insert", "object": "Account", "contentType": "JSON"}).json()["id"]
    assert classic.call("POST", f"/{job}/batch", {"not": "a list"}).json()["exceptionCode"] == "InvalidBatch"
    classic.call("POST", f"/{job}", {"state": "Closed"})
    late = classic.call("POST", f"/{job}/batch", [{"Name": "x"}])
    assert late.json()["exceptionCode"] == "InvalidJobState"


def test_check_60_spent_calls_and_batches_are_reported_by_bulk_v1(classic: Classic, sandbox: Control) -> None:
    asked = {"operation": "insert", "object": "Account", "contentType": "JSON"}
    job = classic.call("POST", "", asked).json()["id"]
    sandbox.set_limit("DailyBulkApiBatches", most=5, used=4)
    sent = [classic.call("POST", f"/{job}/batch", [{"Name": "x"}]) for _ in range(2)]
    assert [answer.status_code for answer in sent] == [201, 400]
    assert sent[1].json() == {"exceptionCode": "ExceededQuota", "exceptionMessage": "ApiBatchItems Limit exceeded."}
    sandbox.set_limit("DailyApiRequests", most=10, used=10)
    spent = classic.call("GET", f"/{job}")
    assert spent.status_code == 403
    assert spent.json() == {"exceptionCode": "ExceededQuota", "exceptionMessage": "TotalRequests Limit exceeded."}


def test_batches_of_an_aborted_job_are_not_processed(classic: Classic, sandbox: Control) -> None:
    sandbox.set_bulk(delay_seconds=0.2)
    job, batch = start(classic, [{"Ext__c": "A", "Name": "x"}])
    assert classic.call("POST", f"/{job}", {"state": "Aborted"}).json()["state"] == "Aborted"
    deadline = time.monotonic() + 10
    while (
        state := json_state(classic.call("GET", f"/{job}/batch/{batch}"))
    ) == "Queued" and time.monotonic() < deadline:
        time.sleep(0.01)
    assert state == "Not Processed"
    assert sandbox.records("Account") == []

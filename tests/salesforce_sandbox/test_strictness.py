"""Values that real orgs reject and a lenient sandbox accepts: types, literals, fixed fields, owners, sizes, times."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
from simple_salesforce.api import Salesforce

from rest import Rest
from salesforce_sandbox.control import Control
from salesforce_sandbox.in_process import InProcessSandbox
from salesforce_sandbox.process import RunningSandbox


def upsert(rest: Rest, key: str, *records: dict[str, Any], object_name: str = "Odd__c", **headers: str) -> list[Any]:
    typed = [{"attributes": {"type": object_name}} | record for record in records]
    path = f"composite/sobjects/{object_name}/{key}"
    return list(rest.call("PATCH", path, {"records": typed}, headers=headers).json())


def codes(results: list[Any]) -> list[list[str]]:
    return [[error["statusCode"] for error in result["errors"]] for result in results]


def query(rest: Rest, text: str) -> requests.Response:
    return rest.call("GET", "query", params={"q": text})


def run_job(rest: Rest, content: str, file: str = "failedResults", **asked: Any) -> str:
    known = {"object": "Odd__c", "operation": "upsert", "externalIdFieldName": "Exact__c"}
    job = rest.call("POST", "jobs/ingest", known | asked).json()["id"]
    rest.session.put(f"{rest.url}/jobs/ingest/{job}/batches", data=content.encode(), timeout=10)
    assert rest.call("PATCH", f"jobs/ingest/{job}", {"state": "UploadComplete"}).ok
    while rest.call("GET", f"jobs/ingest/{job}").json()["state"] not in {"JobComplete", "Failed"}:
        time.sleep(0.01)
    return rest.call("GET", f"jobs/ingest/{job}/{file}").text


@pytest.fixture
def strict(serve: Callable[..., InProcessSandbox]) -> Rest:
    """Return the REST API of a strict org."""
    return log_in(serve(lenient=[]))


def log_in(sandbox: InProcessSandbox) -> Rest:
    grant = {"grant_type": "client_credentials", "client_id": "sandbox-key", "client_secret": "sandbox-secret"}
    token = sandbox.session.post("https://org/services/oauth2/token", data=grant).json()["access_token"]
    return Rest("https://org", token, sandbox.session)


@pytest.mark.parametrize("value", [None, ""])
def test_a_checkbox_rejects_null(strict: Rest, value: object) -> None:
    rejected = [["INVALID_TYPE_ON_FIELD_IN_RECORD"]]
    assert codes(upsert(strict, "Exact__c", {"Exact__c": "k", "Flag__c": value})) == rejected


def test_a_checkbox_rejects_null_in_bulk(strict: Rest) -> None:
    assert "INVALID_TYPE_ON_FIELD_IN_RECORD:Flag: value not of" in run_job(strict, "Exact__c,Flag__c\nk,#N/A\n")


def test_a_field_that_is_not_nillable_rejects_null_but_may_be_left_out(rest: Rest) -> None:
    rejected, saved = upsert(rest, "Exact__c", {"Exact__c": "a", "Defaulted__c": None}, {"Exact__c": "b"})
    assert codes([rejected]) == [["REQUIRED_FIELD_MISSING"]]
    assert saved["success"]


def test_fields_are_described_by_what_may_be_written(rest: Rest) -> None:
    fields = {each["name"]: each for each in rest.call("GET", "sobjects/Odd__c/describe").json()["fields"]}
    flags = {
        name: tuple(fields[name][flag] for flag in ("createable", "updateable", "nillable", "defaultedOnCreate"))
        for name in ("Account__c", "Late__c", "Defaulted__c", "Flag__c", "Day__c")
    }
    assert flags == {
        "Account__c": (True, False, True, False),
        "Late__c": (False, True, True, False),
        "Defaulted__c": (True, True, False, True),
        "Flag__c": (True, True, False, True),
        "Day__c": (True, True, True, False),
    }


@pytest.mark.parametrize("form", ["id", "external id"])
def test_a_create_only_field_is_taken_once(rest: Rest, sandbox: Control, form: str) -> None:
    [account] = sandbox.add_records("Account", [{"Name": "x", "Ext__c": "A"}])
    given = {"Account__c": account} if form == "id" else {"Account__r": {"Ext__c": "A"}}
    [made] = upsert(rest, "Exact__c", {"Exact__c": "k"} | given)
    assert made["success"]
    [again] = upsert(rest, "Exact__c", {"Exact__c": "k"} | given)
    assert codes([again]) == [["INVALID_FIELD_FOR_INSERT_UPDATE"]]
    assert again["errors"][0]["message"].startswith("Unable to create/update fields: Account__c.")
    assert upsert(rest, "Exact__c", {"Exact__c": "k", "Day__c": "2026-01-01"})[0]["success"]


def test_an_update_only_field_is_rejected_at_creation(rest: Rest) -> None:
    assert codes(upsert(rest, "Exact__c", {"Exact__c": "k", "Late__c": "x"})) == [["INVALID_FIELD_FOR_INSERT_UPDATE"]]
    upsert(rest, "Exact__c", {"Exact__c": "k"})
    assert upsert(rest, "Exact__c", {"Exact__c": "k", "Late__c": "x"})[0]["success"]


@pytest.mark.parametrize("again", [12, 12.0, "12", "12.0", "1.2E1"])
def test_number_keys_are_compared_as_numbers(rest: Rest, sandbox: Control, again: object) -> None:
    first, second = (upsert(rest, "Number__c", {"Number__c": key})[0] for key in (12, again))
    assert (first["created"], second["created"]) == (True, False)
    assert '"Number__c":12.0' in rest.call("GET", f"sobjects/Odd__c/Number__c/{again}").text
    assert '"Number__c":12.0' in query(rest, "SELECT Number__c FROM Odd__c WHERE Number__c = 12").text
    assert codes(upsert(rest, "Number__c", {"Number__c": 12}, {"Number__c": again})) == [["DUPLICATE_VALUE"]] * 2
    assert '"12.0"' in run_job(rest, "Number__c\n12\n", "successfulResults", externalIdFieldName="Number__c")
    assert len(sandbox.records("Odd__c")) == 1


def test_a_parent_is_found_by_a_number(rest: Rest, sandbox: Control) -> None:
    [parent] = sandbox.add_records("Odd__c", [{"Whole__c": 7, "Exact__c": "p"}])
    for key in (7, "7", 7.0):
        assert upsert(rest, "Exact__c", {"Exact__c": "k", "Parent__r": {"Whole__c": key}})[0]["success"]
    assert sandbox.values("Odd__c", "k", "Parent__c") == [parent] * 3


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("Number__c = '12'", "'Number__c' must be of type double and should not be enclosed in quotes"),
        ("Whole__c IN (1, '2')", "'Whole__c' must be of type double and should not be enclosed in quotes"),
        ("Flag__c = 'true'", "'Flag__c' must be of type boolean and should not be enclosed in quotes"),
        ("Day__c > '2026-01-01'", "'Day__c' must be of type date and should not be enclosed in quotes"),
        (
            "SystemModstamp > 2026-01-01",
            "'SystemModstamp' must be of type dateTime and should not be enclosed in quotes",
        ),
        ("Exact__c = 12", "'Exact__c' must be of type string and should be enclosed in quotes"),
    ],
)
def test_literals_are_of_the_type_of_their_field(rest: Rest, condition: str, message: str) -> None:
    answer = query(rest, f"SELECT Id FROM Odd__c WHERE {condition}")
    assert answer.status_code == 400
    [error] = answer.json()
    assert error == {"errorCode": "INVALID_FIELD", "message": f"value of filter criterion for field {message}"}


@pytest.mark.parametrize(
    "condition", ["Number__c = null", "Number__c IN (12, 13.5)", "Flag__c = false", "Day__c = 2026-01-01"]
)
def test_literals_of_the_right_type_are_taken(rest: Rest, condition: str) -> None:
    assert query(rest, f"SELECT Id FROM Odd__c WHERE {condition}").status_code == 200


def test_case_sensitive_keys_are_distinguished(rest: Rest, sandbox: Control) -> None:
    results = upsert(rest, "Exact__c", {"Exact__c": "a1"}, {"Exact__c": "A1"})
    assert [result["created"] for result in results] == [True, True]
    for key, result in zip(("a1", "A1"), results, strict=True):
        found = query(rest, f"SELECT Id FROM Odd__c WHERE Exact__c = '{key}'").json()["records"]
        assert [each["Id"] for each in found] == [result["id"]]
        assert rest.call("GET", f"sobjects/Odd__c/Exact__c/{key}").json()["Id"] == result["id"]
    assert len(sandbox.records("Odd__c")) == 2


def test_a_lookup_field_that_is_not_unique_may_name_two_records(rest: Rest, sandbox: Control) -> None:
    sandbox.add_records("Odd__c", [{"Loose__c": "L"}, {"Loose__c": "l"}])
    assert rest.call("GET", "sobjects/Odd__c/Loose__c/L").status_code == 300
    assert rest.call("PATCH", "sobjects/Odd__c/Loose__c/L", {"Day__c": "2026-01-01"}).status_code == 300
    assert codes(upsert(rest, "Loose__c", {"Loose__c": "L"})) == [["DUPLICATE_EXTERNAL_ID"]]
    assert codes(upsert(rest, "Exact__c", {"Exact__c": "k", "Parent__r": {"Loose__c": "L"}})) == [
        ["DUPLICATE_EXTERNAL_ID"]
    ]
    assert query(rest, "SELECT Id FROM Odd__c WHERE Loose__c = 'L'").json()["totalSize"] == 2
    assert "DUPLICATE_EXTERNAL_ID:" in run_job(rest, "Loose__c\nL\n", externalIdFieldName="Loose__c")


def test_a_parent_of_several_objects_needs_its_type(rest: Rest, sandbox: Control) -> None:
    sandbox.add_records("Contact", [{"LastName": "x", "Ext__c": "C"}])
    for attributes, wanted in (
        ({}, ["INVALID_FIELD"]),
        ({"type": "Odd__c"}, ["INVALID_FIELD"]),
        ({"type": "contact"}, []),
    ):
        who = {"Ext__c": "C"} | ({"attributes": attributes} if attributes else {})
        assert codes(upsert(rest, "Ext__c", {"Ext__c": "T", "Who": who}, object_name="Task")) == [wanted]
    asked = {"object": "Task", "externalIdFieldName": "Ext__c"}
    assert "sf__Error" in run_job(rest, "Ext__c,Contact:Who.Ext__c\nT,C\n", **asked)
    job = rest.call("POST", "jobs/ingest", {"operation": "upsert"} | asked).json()["id"]
    rest.session.put(f"{rest.url}/jobs/ingest/{job}/batches", data=b"Ext__c,Who.Ext__c\nT,C\n", timeout=10)
    rest.call("PATCH", f"jobs/ingest/{job}", {"state": "UploadComplete"})
    while (status := rest.call("GET", f"jobs/ingest/{job}").json())["state"] != "Failed":
        time.sleep(0.01)
    assert status["errorMessage"] == "InvalidBatch : Field name not found : Who.Ext__c"


def test_assignment_rules_run_unless_a_call_switches_them_off(rest: Rest, sandbox: Control, org: Salesforce) -> None:
    sandbox.switch_rule("gives_away", active=True)
    [queue] = org.query("SELECT Id FROM User WHERE Username = 'queue@tests.example'")["records"]
    for key, headers in (("A", {}), ("B", {"Sforce-Auto-Assign": "TRUE"}), ("C", {"Sforce-Auto-Assign": "FALSE"})):
        assert upsert(rest, "Ext__c", {"Ext__c": key, "Name": "x"}, object_name="Account", **headers)[0]["success"]
    asked = {"object": "Account", "externalIdFieldName": "Ext__c"}
    run_job(rest, "Ext__c,Name\nD,x\n", **asked)
    run_job(rest, "Ext__c,Name\nE,x\n", **asked, assignmentRuleId="01Q000000000001AAA")
    owners = {each["fields"]["Ext__c"]: each["fields"].get("OwnerId") for each in sandbox.records("Account")}
    assert owners == {"A": queue["Id"], "B": queue["Id"], "C": None, "D": None, "E": queue["Id"]}
    upsert(rest, "Ext__c", {"Ext__c": "C", "Name": "y"}, object_name="Account")
    assert sandbox.values("Account", "C", "OwnerId") == [queue["Id"]]


def test_a_duplicate_rule_lets_pass_what_a_header_allows(rest: Rest, sandbox: Control) -> None:
    sandbox.switch_rule("same_name_alert", active=True)
    sandbox.add_records("Account", [{"Name": "x"}])
    record = {"Ext__c": "A", "Name": "x"}
    assert codes(upsert(rest, "Ext__c", record, object_name="Account")) == [["DUPLICATES_DETECTED"]]
    single = rest.call("POST", "sobjects/Account", {"Name": "x"}).json()[0]
    assert single["duplicateResut"]["allowSave"] is True
    assert "DUPLICATES_DETECTED" in run_job(rest, "Ext__c,Name\nA,x\n", object="Account", externalIdFieldName="Ext__c")
    header = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    assert upsert(rest, "Ext__c", record, object_name="Account", **header)[0]["success"]


def test_all_validation_rules_answer(rest: Rest, sandbox: Control) -> None:
    sandbox.switch_rule("bad_kind_too", active=True)
    [rejected] = rest.upsert([{"Ext__c": "A", "Name": "bad"}])
    assert [error["message"] for error in rejected["errors"]] == ["This name is not welcome", "Nor is its kind"]
    assert len(rest.call("POST", "sobjects/Account", {"Name": "bad"}).json()) == 2
    failed = run_job(rest, "Ext__c,Name\nA,bad\n", object="Account", externalIdFieldName="Ext__c")
    code = "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert f'"{code}:This name is not welcome:Name --{code}:Nor is its kind:Kind__c --"' in failed


@pytest.mark.parametrize("moment", ["2017-10-17 00:00:00", "20171017T000000Z", "2017-W42-2", "2017-10-17T25:00:00Z"])
def test_times_of_another_form_are_rejected(rest: Rest, moment: str) -> None:
    answer = rest.call("POST", "sobjects/Account", {"Name": "x", "Seen__c": moment})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")


def test_emails_are_stored_in_lower_case(rest: Rest, sandbox: Control) -> None:
    rest.upsert([{"Ext__c": "A", "Name": "x", "Email__c": "Chloe.Myers@Example.com"}])
    assert sandbox.values("Account", "A", "Email__c") == ["chloe.myers@example.com"]


def test_ids_of_18_characters_are_checked_and_their_case_restored(rest: Rest, sandbox: Control) -> None:
    [record] = sandbox.add_records("Account", [{"Name": "x", "Id": "001AbCdEfGhIjKl"}])
    assert rest.call("GET", f"sobjects/Account/{record.lower()}").json()["Id"] == record
    wrong = record[:-1] + ("A" if record[-1] != "A" else "B")
    answer = rest.call("PATCH", f"sobjects/Account/{wrong}", {"Name": "y"})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "MALFORMED_ID")


def test_created_records_have_an_address(rest: Rest) -> None:
    made = rest.call("POST", "sobjects/Account", {"Name": "x"})
    assert made.headers["Location"] == f"/services/data/v59.0/sobjects/Account/{made.json()['id']}"
    made = rest.call("PATCH", "sobjects/Account/Ext__c/K", {"Name": "x"})
    assert made.headers["Location"].endswith(made.json()["id"])
    assert "Location" not in rest.call("PATCH", "sobjects/Account/Ext__c/K", {"Name": "y"}).headers


def test_an_address_of_more_than_16384_bytes_is_rejected(rest: Rest) -> None:
    path = "/services/data/v59.0/query?q="
    for size, status in ((16_384, 400), (16_385, 414)):
        url = rest.url.removesuffix("/services/data/v59.0") + path + "x" * (size - len(path) + 1)
        assert rest.session.get(url, timeout=10).status_code == status, size


def test_a_body_above_a_size_is_rejected(rest: Rest, sandbox: Control) -> None:
    sandbox.set_requests(most_bytes=1000)
    assert rest.upsert([{"Ext__c": "A", "Name": "x"}])[0]["success"]
    answer = rest.call("PATCH", "composite/sobjects/Account/Ext__c", {"records": [{"Name": "x" * 1000}]})
    assert answer.status_code == 413
    assert "DUPLICATE_VALUE" in run_job(rest, "Exact__c\n" + "k\n" * 600)


def test_automation_makes_an_answer_late_after_its_commit(rest: Rest, sandbox: Control) -> None:
    sandbox.set_requests(automation_seconds={"Account": 0.2})
    with pytest.raises(requests.ReadTimeout):
        rest.session.patch(
            f"{rest.url}/composite/sobjects/Account/Ext__c",
            json={"records": [{"attributes": {"type": "Account"}, "Ext__c": str(n), "Name": "x"} for n in range(5)]},
            timeout=0.3,
        )
    assert len(sandbox.records("Account")) == 5


def test_automation_beyond_the_longest_request_saves_nothing(rest: Rest, sandbox: Control) -> None:
    sandbox.set_requests(automation_seconds={"Account": 0.1}, most_seconds=0.25)
    records = [{"attributes": {"type": "Account"}, "Ext__c": str(n), "Name": "x"} for n in range(3)]
    answer = rest.call("PATCH", "composite/sobjects/Account/Ext__c", {"records": records})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "REQUEST_RUNNING_TOO_LONG")
    assert sandbox.records("Account") == []
    assert rest.upsert([{"Ext__c": "A", "Name": "x"}, {"Ext__c": "B", "Name": "x"}])[1]["success"]


def test_automation_makes_jobs_slow(rest: Rest, sandbox: Control) -> None:
    sandbox.set_requests(automation_seconds={"Odd__c": 0.05})
    started = time.monotonic()
    run_job(rest, "Exact__c\n" + "".join(f"{n}\n" for n in range(10)))
    assert time.monotonic() - started >= 0.5


@pytest.mark.parametrize("form", ["session", "opaque", "jwt"])
def test_tokens_of_any_form_open_a_session_and_expire(
    rest: Rest, sandbox: Control, sandbox_server: RunningSandbox, form: str
) -> None:
    sandbox.set_token_form(form)
    try:
        grant = {"grant_type": "client_credentials", "client_id": "sandbox-key", "client_secret": "sandbox-secret"}
        answer = requests.post(f"{sandbox_server.http_url}/services/oauth2/token", data=grant, timeout=10).json()
    finally:
        sandbox.set_token_form("session")
    client = Rest(sandbox_server.http_url, answer["access_token"])
    assert client.call("GET", "").json()["identity"] == answer["id"]
    assert answer["access_token"].startswith("00D") == (form == "session")
    sandbox.expire_sessions()
    error = {"jwt": ("INVALID_AUTH_HEADER", "INVALID_JWT_FORMAT")}.get(
        form, ("INVALID_SESSION_ID", "Session expired or invalid")
    )
    expired = client.call("GET", "")
    assert (expired.status_code, expired.json()[0]["errorCode"], expired.json()[0]["message"]) == (401, *error)


@pytest.mark.parametrize(
    ("version", "status"),
    [("7.0", 410), ("21.0", 410), ("30.0", 410), ("31.0", 200), ("67.0", 200), ("68.0", 404), ("x", 404), ("67", 404)],
)
def test_retired_and_future_api_versions_are_rejected(rest: Rest, sandbox: Control, version: str, status: int) -> None:
    used = sandbox.overview()["api_calls"]
    answer = rest.session.get(rest.url.replace("v59.0", f"v{version}") + "/limits", timeout=10)
    assert answer.status_code == status
    assert ("Sforce-Limit-Info" in answer.headers) == (status == 200)
    assert sandbox.overview()["api_calls"] == used + (status == 200)


@pytest.mark.parametrize(
    ("like", "status", "text"),
    [
        ("total_requests", 403, "TotalRequests Limit exceeded."),
        ("concurrent_requests", 403, "ConcurrentRequests (Concurrent API Requests) Limit exceeded."),
        ("concurrent_long_transactions", 403, "ConcurrentPerOrgLongTxn Limit exceeded."),
        ("concurrent_long_transactions_unknown", 500, "ConcurrentPerOrgLongTxn Limit exceeded."),
        ("query_timeout", 400, "Your query request was running for too long."),
        ("akamai", 503, "Service Unavailable"),
        ("too_large", 413, "Too Large"),
    ],
)
def test_answers_of_real_orgs_are_faults_by_name(
    rest: Rest, sandbox: Control, like: str, status: int, text: str
) -> None:
    sandbox.add_fault(like=like, match={"path_regex": "limits"})
    answer = rest.call("GET", "limits")
    assert (answer.status_code, text in answer.text) == (status, True)


def test_an_unknown_answer_is_reported(sandbox: Control) -> None:
    with pytest.raises(RuntimeError, match="concurrent_requests"):
        sandbox.add_fault(like="nothing")


def test_a_job_that_got_data_twice_cannot_be_closed(rest: Rest) -> None:
    job = rest.call("POST", "jobs/ingest", {"object": "Account", "operation": "insert"}).json()["id"]
    for _ in range(2):
        assert (
            rest.session.put(f"{rest.url}/jobs/ingest/{job}/batches", data=b"Name\nx\n", timeout=10).status_code == 201
        )
    closed = rest.call("PATCH", f"jobs/ingest/{job}", {"state": "UploadComplete"})
    assert (closed.status_code, closed.json()[0]["errorCode"]) == (400, "INVALIDJOB")
    assert closed.json()[0]["message"].startswith(f"Found multipe contents for job: <{job}>")


def test_failed_results_may_be_absent_when_no_row_failed(rest: Rest, sandbox: Control) -> None:
    sandbox.set_bulk(no_failures_status=204)
    assert run_job(rest, "Exact__c\nk\n") == ""
    assert "REQUIRED" in run_job(rest, "Exact__c,Defaulted__c\nk,#N/A\n")


def test_an_empty_batch_of_v1_is_rejected(rest: Rest) -> None:
    url = rest.url.replace("/services/data/v59.0", "/services/async/59.0/job")
    headers = {"X-SFDC-Session": str(rest.session.headers["Authorization"]).removeprefix("Bearer ")}
    asked = {"object": "Account", "operation": "insert", "contentType": "CSV"}
    job = requests.post(url, json=asked, headers=headers, timeout=10).json()["id"]
    answer = requests.post(f"{url}/{job}/batch", data=b"", headers=headers | {"Content-Type": "text/csv"}, timeout=10)
    assert (answer.status_code, "Unable to find any data to create batch" in answer.text) == (400, True)


@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_query_is_reported(rest: Rest, text: str) -> None:
    assert query(rest, text).json()[0]["message"] == "SOQL statements cannot be empty or null"


def test_wrong_queries_are_reported_in_salesforces_words(rest: Rest) -> None:
    assert query(rest, "SELEKT Id FROM Account").json()[0]["message"] == "unexpected token: SELEKT"
    unknown = query(rest, "SELECT Id FROM Nothing__c").json()[0]
    assert unknown["errorCode"] == "INVALID_TYPE"
    assert unknown["message"].startswith(
        "\nSELECT Id FROM Nothing__c\n               ^\nERROR at Row:1:Column:16\nsObject type 'Nothing__c' is"
    )


def test_the_org_file_may_allow_known_mistakes_of_a_client(serve: Callable[..., InProcessSandbox]) -> None:
    lenient = ["null_checkboxes", "quoted_numbers", "spaced_datetimes", "mixed_case_emails", "untyped_parents",
               "ambiguous_parents", "first_rule_only"]  # fmt: skip
    sandbox = serve(lenient=lenient)
    rest = log_in(sandbox)
    record = {
        "Ext__c": "A",
        "Name": "x",
        "Active__c": None,
        "Seen__c": "2026-01-01 00:00:00",
        "Email__c": "A@b.example",
    }
    assert rest.upsert([record])[0]["success"]
    assert sandbox.control.values("Account", "A", "Email__c") == ["A@b.example"]
    assert query(rest, "SELECT Id FROM Odd__c WHERE Number__c = '1'").status_code == 200

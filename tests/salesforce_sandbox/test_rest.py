"""REST and Collections, as docs/sandbox-checks.md lists them."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import requests
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceResourceNotFound

from rest import Rest
from salesforce_sandbox.control import Control
from salesforce_sandbox.in_process import URL, InProcessSandbox
from salesforce_sandbox.process import RunningSandbox
from salesforce_sandbox.records.record_ids import add_checksum


def account(key: str, **more: Any) -> dict[str, Any]:
    return {"Ext__c": key, "Name": f"Account {key}"} | more


TYPED = {"attributes": {"type": "Account"}}


def error_of(result: dict[str, Any]) -> tuple[str, str, list[str]]:
    [error] = result["errors"]
    return error["statusCode"], error["message"], error["fields"]


def test_check_12_versions_need_no_login(sandbox_server: RunningSandbox) -> None:
    listed = requests.get(f"{sandbox_server.http_url}/services/data", timeout=10).json()
    assert [each["version"] for each in listed] == [f"{number}.0" for number in range(31, 68)]
    assert listed[28]["url"] == "/services/data/v59.0"
    assert all(each["label"] for each in listed)


def test_check_13_a_version_lists_its_resources(rest: Rest) -> None:
    listed = rest.call("GET", "").json()
    for name in ("query", "sobjects", "limits", "composite", "jobs"):
        assert listed[name] == f"/services/data/v59.0/{name}"
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/id/00D\w+/005\w{15}", listed["identity"])
    assert rest.session.get(listed["identity"], timeout=10).json()["username"] == "integration@tests.example"


def test_checks_14_to_16_calls_are_counted_and_run_out(rest: Rest, sandbox: Control) -> None:
    first = rest.call("GET", "limits")
    second = rest.call("GET", "limits")
    used = [int(each.headers["Sforce-Limit-Info"].split("=")[1].split("/")[0]) for each in (first, second)]
    assert used[1] == used[0] + 1
    assert second.json()["DailyApiRequests"]["Remaining"] == first.json()["DailyApiRequests"]["Remaining"] - 1
    sandbox.set_limit("DailyApiRequests", most=10, used=10)
    answer = rest.call("GET", "limits")
    assert answer.status_code == 403
    assert answer.json() == [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]


def test_check_14_every_answer_reports_the_calls_that_were_used(rest: Rest) -> None:
    made = rest.call("POST", "sobjects/Account", account("K1"))
    job = rest.call("POST", "jobs/ingest", {"object": "Account", "operation": "insert"})
    answers = [
        made,
        job,
        rest.call("PATCH", f"sobjects/Account/{made.json()['id']}", {"Name": "new"}),
        rest.call("POST", "sobjects/Account", {"Ext__c": "K2"}),
        rest.call("GET", "sobjects/Nothing/describe"),
        rest.session.put(f"{rest.url}/jobs/ingest/{job.json()['id']}/batches", data=b"Name\nx\n", timeout=10),
        rest.call("DELETE", f"sobjects/Account/{made.json()['id']}"),
        rest.call("GET", "query?q=SELECT Id FROM Account"),
    ]
    assert [answer.status_code for answer in answers] == [201, 200, 204, 400, 404, 201, 204, 200]
    detail = [re.fullmatch(r"api-usage=(\d+)/100000", answer.headers["Sforce-Limit-Info"]) for answer in answers]
    used = [int(each[1]) if each else 0 for each in detail]
    assert [later - earlier for earlier, later in itertools.pairwise(used)] == [1] * 7


def test_check_17_describe_is_true(rest: Rest) -> None:
    described = rest.call("GET", "sobjects/Contact/describe").json()
    fields = {field["name"]: field for field in described["fields"]}
    assert fields["Ext__c"]["externalId"]
    assert fields["Ext__c"]["unique"]
    assert fields["LastName"]["nillable"] is False
    assert (fields["AccountId"]["referenceTo"], fields["AccountId"]["relationshipName"]) == (["Account"], "Account")
    assert (fields["LastName"]["type"], fields["LastName"]["length"]) == ("string", 80)
    assert fields["Ext__c"]["idLookup"]
    assert fields["Id"]["idLookup"]
    assert not fields["LastName"]["externalId"]
    assert not fields["LastName"]["idLookup"]
    account = {field["name"]: field for field in rest.call("GET", "sobjects/Account/describe").json()["fields"]}
    assert "Secret__c" not in account
    assert [each["value"] for each in account["Kind__c"]["picklistValues"]] == ["A", "B"]
    assert (account["Kind__c"]["type"], account["Kind__c"]["restrictedPicklist"]) == ("picklist", True)
    assert (account["Exact__c"]["caseSensitive"], account["Ext__c"]["caseSensitive"]) == (True, False)
    assert (account["Formula__c"]["createable"], account["Formula__c"]["updateable"]) == (False, False)
    assert {account[name]["type"] for name in ("Amount__c", "Active__c", "Since__c", "Seen__c", "Email__c")} == {
        "double", "boolean", "date", "datetime", "email",
    }  # fmt: skip
    [who] = [each for each in rest.call("GET", "sobjects/Task/describe").json()["fields"] if each["name"] == "WhoId"]
    assert (who["referenceTo"], who["polymorphicForeignKey"]) == (["Contact", "Account"], True)


def test_check_18_unknown_objects_and_columns_have_salesforces_words(rest: Rest) -> None:
    unknown = rest.call("GET", "sobjects/Nothing/describe")
    assert unknown.status_code == 404
    assert unknown.json() == [{"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"}]
    wrong = rest.call("GET", "query?q=SELECT Id, Nope FROM Account")
    assert (wrong.status_code, wrong.json()[0]["errorCode"]) == (400, "INVALID_FIELD")
    assert wrong.json()[0]["message"].startswith(
        "\nSELECT Id, Nope FROM Account\n           ^\nERROR at Row:1:Column:12\n"
        "No such column 'Nope' on entity 'Account'."
    )
    missing = rest.call("GET", "query?q=SELECT Id FROM ScratchOrgInfo")
    assert (missing.status_code, missing.json()[0]["errorCode"]) == (400, "INVALID_TYPE")


def test_check_19_queries_page(org: Salesforce, sandbox: Control) -> None:
    sandbox.add_records("Account", [account(f"K{number}") for number in range(450)])
    first = org.query("SELECT Id, Ext__c FROM Account", headers={"Sforce-Query-Options": "batchSize=200"})
    assert (first["totalSize"], first["done"], len(first["records"])) == (450, False, 200)
    assert first["nextRecordsUrl"].startswith("/services/data/")
    pages = [org.query_more(first["nextRecordsUrl"], identifier_is_url=True) for _ in range(2)]
    assert pages[0] == pages[1]
    last = org.query_more(pages[0]["nextRecordsUrl"], identifier_is_url=True)
    assert [(len(page["records"]), page["done"]) for page in (pages[0], last)] == [(200, False), (50, True)]
    read = [each["Ext__c"] for page in (first, pages[0], last) for each in page["records"]]
    assert sorted(read) == sorted(f"K{number}" for number in range(450))
    assert len(org.query_all("SELECT Id FROM Account WHERE Ext__c LIKE 'K%'")["records"]) == 450
    with pytest.raises(SalesforceResourceNotFound) as stale:
        org.query_more("01g000000000000AAA-2000")
    assert stale.value.content == [{"message": "invalid query locator", "errorCode": "INVALID_QUERY_LOCATOR"}]


def test_queries_find_by_external_id_whatever_the_case(org: Salesforce, sandbox: Control) -> None:
    sandbox.add_records("Account", [account("K1"), account("it's")])
    found = org.query("SELECT Ext__c FROM Account WHERE Ext__c IN ('k1', 'it\\'s', 'none') ORDER BY Ext__c DESC")
    assert [record["Ext__c"] for record in found["records"]] == ["K1", "it's"]
    assert org.query("SELECT COUNT() FROM Account WHERE Name != null")["totalSize"] == 2


def test_check_21_patch_by_external_id_creates_then_updates(rest: Rest) -> None:
    created = rest.call("PATCH", "sobjects/Account/Ext__c/K1", {"Name": "one"})
    assert (created.status_code, created.json()["created"]) == (201, True)
    updated = rest.call("PATCH", "sobjects/account/ext__c/k1", {"Name": "two"})
    assert (updated.status_code, updated.json()["created"]) == (200, False)
    assert updated.json()["id"] == created.json()["id"]
    repeated = rest.call("PATCH", "sobjects/Account/Ext__c/K1", {"Name": "x", "Ext__c": "K1"})
    assert (repeated.status_code, repeated.json()[0]["errorCode"]) == (400, "INVALID_FIELD")
    unknown = rest.call("PATCH", "sobjects/Account/Nope__c/K1", {"Name": "x"})
    assert (unknown.status_code, unknown.json()[0]["errorCode"]) == (404, "NOT_FOUND")


def test_checks_22_and_23_patch_by_id_is_204_with_or_without_a_slash(rest: Rest) -> None:
    made = rest.call("POST", "sobjects/Account", account("K1")).json()["id"]
    patched = rest.call("PATCH", f"sobjects/ACCOUNT/{made}/", {"name": "new"})
    assert (patched.status_code, patched.content) == (204, b"")
    assert rest.call("GET", f"sobjects/Account/{made[:15]}").json()["Name"] == "new"
    assert rest.call("DELETE", f"sobjects/Account/{made}").status_code == 204
    again = rest.call("DELETE", f"sobjects/Account/{made}")
    assert (again.status_code, again.json()[0]["errorCode"]) == (404, "ENTITY_IS_DELETED")


def test_check_24_ids_have_the_right_checksum(rest: Rest) -> None:
    made = rest.call("POST", "sobjects/Account", account("K1")).json()["id"]
    assert len(made) == 18
    assert add_checksum(made[:15]) == made
    assert add_checksum("001A0000006Vm9r") == "001A0000006Vm9rIAC"


def test_check_26_two_hundred_records_pass_and_one_more_does_not(rest: Rest) -> None:
    assert len(rest.upsert([account(f"K{number}") for number in range(200)])) == 200
    typed = [{"attributes": {"type": "Account"}} | account(f"K{number}") for number in range(201)]
    for method, path in (("PATCH", "/Account/Ext__c"), ("POST", ""), ("PATCH", "")):
        rejected = rest.call(method, f"composite/sobjects{path}", {"records": typed})
        assert rejected.status_code == 400
        assert rejected.json() == [
            {"message": "record limit reached. cannot submit more than 200 records into this call",
             "errorCode": "EXCEEDED_ID_LIMIT"}
        ]  # fmt: skip


def test_checks_27_to_29_results_keep_order_and_good_records_are_committed(rest: Rest, sandbox: Control) -> None:
    results = rest.upsert([account("K1"), {"Ext__c": "K2"}, account("K3")])
    assert [result["success"] for result in results] == [True, False, True]
    assert [result.get("created") for result in results] == [True, None, True]
    assert error_of(results[1]) == ("REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]", ["Name"])
    assert [record["fields"]["Ext__c"] for record in sandbox.records("Account")] == ["K1", "K3"]
    assert list(results[0]) == ["id", "success", "errors", "created"]


def test_check_27_a_request_whose_records_all_fail_is_200(rest: Rest) -> None:
    records = [{"attributes": {"type": "Account"}, "Ext__c": key} for key in ("A", "B")]
    answer = rest.call("PATCH", "composite/sobjects/Account/Ext__c", {"records": records})
    assert answer.status_code == 200
    assert [result["success"] for result in answer.json()] == [False, False]


def test_check_28_only_upserts_report_what_they_created(rest: Rest) -> None:
    [made] = rest.call("POST", "composite/sobjects", {"records": [TYPED | {"Name": "x"}]}).json()
    [changed] = rest.call("PATCH", "composite/sobjects", {"records": [TYPED | {"id": made["id"], "Name": "y"}]}).json()
    [gone] = rest.call("DELETE", f"composite/sobjects?ids={made['id']}").json()
    [late] = rest.call("PATCH", "composite/sobjects", {"records": [TYPED | {"id": made["id"], "Name": "z"}]}).json()
    assert made == changed == gone == {"id": made["id"], "success": True, "errors": []}
    assert (late["success"], "created" in late) == (False, False)
    assert error_of(late) == ("ENTITY_IS_DELETED", "entity is deleted", [])


def test_collections_upsert_by_record_id_and_read_back(rest: Rest) -> None:
    [made] = rest.call(
        "PATCH", "composite/sobjects/Account/Id", {"records": [TYPED | {"Id": None, "Name": "x"}]}
    ).json()
    [again] = rest.call(
        "PATCH", "composite/sobjects/Account/Id", {"records": [TYPED | {"Id": made["id"], "Name": "y"}]}
    ).json()
    assert (made["created"], again["created"], again["id"]) == (True, False, made["id"])
    read = rest.call("POST", "composite/sobjects/Account", {"ids": [made["id"], "001000000000zzz"], "fields": ["Name"]})
    assert [row and row["Name"] for row in read.json()] == ["y", None]


def test_check_30_all_or_none_commits_nothing(rest: Rest, sandbox: Control) -> None:
    results = rest.upsert([account("K1"), {"Ext__c": "K2"}, account("K3")], all_or_none=True)
    assert [result["errors"][0]["statusCode"] for result in results] == [
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "REQUIRED_FIELD_MISSING",
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    ]
    assert [result["success"] for result in results] == [False, False, False]
    assert results[0]["created"] is True
    assert error_of(results[0])[1:] == (
        "Record rolled back because not all records were valid and the request was using AllOrNone header", [],
    )  # fmt: skip
    assert error_of(results[1]) == ("REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]", ["Name"])
    assert sandbox.records("Account") == []


def test_check_31_the_same_external_id_twice_fails_every_copy(rest: Rest) -> None:
    results = rest.upsert([account("K1"), account("K2"), account("k1")])
    assert [result["success"] for result in results] == [False, True, False]
    assert error_of(results[0]) == ("DUPLICATE_VALUE", "Duplicate external id specified: K1", ["Ext__c"])


@pytest.mark.parametrize(
    ("values", "code", "message", "fields"),
    [
        ({"Name": "x" * 81}, "STRING_TOO_LONG", f"Name: data value too large: {'x' * 81} (max length=80)", ["Name"]),
        (
            {"Kind__c": "Z"},
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "bad value for restricted picklist field: Z",
            ["Kind__c"],
        ),
        ({"Email__c": "nobody"}, "INVALID_EMAIL_ADDRESS", "Email: invalid email address: nobody", ["Email__c"]),
        ({"Nope__c": "x"}, "INVALID_FIELD", "No such column 'Nope__c' on sobject of type Account", []),
        (
            {"Formula__c": "x"},
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            "Unable to create/update fields: Formula__c",
            ["Formula__c"],
        ),
        (
            {"Amount__c": 1e30},
            "NUMBER_OUTSIDE_VALID_RANGE",
            "Amount: value outside of valid range on numeric field: 1e+30",
            ["Amount__c"],
        ),
        ({"Name": "bad"}, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "This name is not welcome", ["Name"]),
        ({"Name": "forbidden"}, "INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", []),
        ({"Name": "always locked"}, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record", []),
    ],
)
def test_check_33_records_are_rejected_with_the_codes_of_the_fact_sheet(
    rest: Rest, values: dict[str, Any], code: str, message: str, fields: list[str]
) -> None:
    [result] = rest.upsert([account("K1") | values])
    found_code, found_message, found_fields = error_of(result)
    assert (found_code, found_fields) == (code, fields)
    assert message in found_message


def test_check_33_a_malformed_id_is_a_record_error(rest: Rest) -> None:
    [result] = rest.upsert([{"Ext__c": "C1", "LastName": "x", "AccountId": "INVALID"}], object_name="Contact")
    assert error_of(result) == ("MALFORMED_ID", "Account ID: id value of incorrect type: INVALID", ["AccountId"])
    [result] = rest.upsert([{"Ext__c": "C1", "LastName": "x", "AccountId": "001000000000zzz"}], object_name="Contact")
    assert error_of(result) == ("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])


def test_check_34_a_parent_by_external_id_is_linked_or_named(rest: Rest, sandbox: Control) -> None:
    [parent] = rest.upsert([account("K1")])
    found, missing = rest.upsert(
        [
            {"Ext__c": "C1", "LastName": "x", "Account": {"Ext__c": "k1"}},
            {"Ext__c": "C2", "LastName": "y", "Account": {"Ext__c": "k2"}},
        ],
        object_name="Contact",
    )
    assert found["success"]
    assert sandbox.records("Contact")[0]["fields"]["AccountId"] == parent["id"]
    assert error_of(missing)[1] == "Foreign key external ID: k2 not found for field Ext__c in entity Account"


def test_check_35_null_clears_and_a_missing_key_leaves(rest: Rest, sandbox: Control) -> None:
    rest.upsert([account("K1", Kind__c="A", Amount__c=3)])
    rest.upsert([{"Ext__c": "K1", "Kind__c": None}])
    [record] = sandbox.records("Account")
    fields = record["fields"]
    assert (fields["Kind__c"], fields["Amount__c"], fields["Name"]) == (None, 3.0, "Account K1")


def test_check_36_more_than_ten_chunks_are_rejected(rest: Rest) -> None:
    kinds = ["Account", "Contact"] * 6
    records = [{"attributes": {"type": kind}, "Name": "x"} for kind in kinds]
    rejected = rest.call("POST", "composite/sobjects", {"records": records})
    assert rejected.status_code == 400
    assert "more than 10 chunks" in rejected.json()[0]["message"]
    passed = rest.call("POST", "composite/sobjects", {"records": records[:10]})
    assert (passed.status_code, len(passed.json())) == (200, 10)


def test_check_36_a_record_of_another_type_than_the_address_is_rejected(rest: Rest, sandbox: Control) -> None:
    records = [TYPED | {"Ext__c": "A", "Name": "fine"}, {"attributes": {"type": "Contact"}, "Ext__c": "B", "Name": "b"}]
    fine, wrong = rest.call("PATCH", "composite/sobjects/Account/Ext__c", {"records": records}).json()
    assert fine["success"]
    assert error_of(wrong)[0] == "INVALID_TYPE"
    assert [each["fields"]["Ext__c"] for each in sandbox.records("Account")] == ["A"]


def test_check_37_delete_takes_ids_in_the_address(rest: Rest) -> None:
    ids = [result["id"] for result in rest.upsert([account("K1"), account("K2")])]
    path = f"composite/sobjects?ids={','.join(ids)}&allOrNone=true"
    assert [result["success"] for result in rest.call("DELETE", path).json()] == [True, True]
    again = rest.call("DELETE", path).json()
    assert [error_of(result)[:2] for result in again] == [("ENTITY_IS_DELETED", "entity is deleted")] * 2


def test_a_value_of_a_wrong_type_rejects_the_whole_request(rest: Rest, sandbox: Control) -> None:
    rejected = rest.upsert([account("K1"), account("K2", Amount__c="abc")])
    assert rejected[0]["errorCode"] == "JSON_PARSER_ERROR"
    assert sandbox.records("Account") == []


def test_check_59_a_lock_clears_after_its_tries(rest: Rest) -> None:
    outcomes = [rest.upsert([account("K1", Name="locked")])[0]["success"] for _ in range(3)]
    assert outcomes == [False, False, True]


def test_check_59_a_lock_on_a_parent_holds_for_every_child_and_clears(rest: Rest, sandbox: Control) -> None:
    sandbox.switch_rule("parent_lock", active=True)
    [held, free] = sandbox.add_records("Account", [account("P"), account("Q")])
    contacts = [{"Ext__c": f"C{n}", "LastName": "x", "Account": {"Ext__c": "P"}} for n in range(3)]
    for _ in range(2):
        results = rest.upsert(contacts, object_name="Contact")
        detail = f"unable to obtain exclusive access to this record or 1 records: {held}"
        assert [error_of(result) for result in results] == [("UNABLE_TO_LOCK_ROW", detail, [])] * 3
    assert [result["success"] for result in rest.upsert(contacts, object_name="Contact")] == [True] * 3
    [other] = rest.upsert([{"Ext__c": "D", "LastName": "x", "Account": {"Ext__c": "Q"}}], object_name="Contact")
    assert free in error_of(other)[1]


@pytest.mark.parametrize("cut", ["before", "after"])
def test_checks_65_and_66_a_cut_connection_keeps_what_was_committed(rest: Rest, sandbox: Control, cut: str) -> None:
    sandbox.add_fault(match={"method": "PATCH"}, cut=cut)
    with pytest.raises(requests.ConnectionError):
        rest.upsert([account("K1")])
    assert len(sandbox.records("Account")) == (1 if cut == "after" else 0)
    assert rest.upsert([account("K1")])[0]["created"] is (cut == "before")


def test_check_65_any_answer_can_take_the_place_of_salesforces_on_the_nth_call(rest: Rest, sandbox: Control) -> None:
    sandbox.add_fault(match={"path_regex": "limits"}, on_call=2, times=2, answer={"status": 503, "body": "<html>"})
    assert [rest.call("GET", "limits").status_code for _ in range(4)] == [200, 503, 503, 200]


def test_check_65_an_unknown_exception_carries_its_error_id(rest: Rest, sandbox: Control) -> None:
    detail = (
        "An unexpected error occurred. Please include this ErrorId if you contact support: 1730955361-49792 (-1117)"
    )
    body = json.dumps([{"errorCode": "UNKNOWN_EXCEPTION", "message": detail}])
    sandbox.add_fault(
        match={"kind": "collections"}, after_commit=True,
        answer={"status": 500, "body": body, "headers": {"Content-Type": "application/json"}},
    )  # fmt: skip
    answer = rest.call("PATCH", "composite/sobjects/Account/Ext__c", {"records": [TYPED | account("K1")]})
    assert (answer.status_code, answer.json()) == (500, [{"errorCode": "UNKNOWN_EXCEPTION", "message": detail}])
    assert sandbox.values("Account", "K1", "Name") == ["Account K1"]


@pytest.mark.parametrize("after_commit", [False, True])
def test_check_65_a_slow_answer_comes_before_or_after_the_commit(
    serve: Callable[..., InProcessSandbox], after_commit: bool
) -> None:
    served = serve()
    served.control.add_fault(match={"kind": "collections"}, delay_seconds=60, after_commit=after_commit)
    form = {"grant_type": "client_credentials", "client_id": "sandbox-key", "client_secret": "sandbox-secret"}
    token = served.session.post(f"{URL}/services/oauth2/token", data=form).json()["access_token"]
    with pytest.raises(requests.ReadTimeout):
        served.session.patch(
            f"{URL}/services/data/v59.0/composite/sobjects/Account/Ext__c", json={"records": [TYPED | account("K1")]},
            headers={"Authorization": f"Bearer {token}"}, timeout=0.05,
        )  # fmt: skip
    assert len(served.control.records("Account")) == (1 if after_commit else 0)


def test_maintenance_answers_every_path_until_it_ends(rest: Rest, sandbox: Control) -> None:
    sandbox.switch_maintenance(active=True)
    answers = [rest.call("GET", "limits"), requests.get(rest.url.partition("/v")[0], timeout=10)]
    assert [(each.status_code, each.headers["Content-Type"][:9]) for each in answers] == [(503, "text/html")] * 2
    sandbox.switch_maintenance(active=False)
    assert rest.call("GET", "limits").status_code == 200


def test_faults_are_listed_with_the_calls_that_they_saw_and_rejected_when_they_are_none(
    rest: Rest, sandbox: Control
) -> None:
    sandbox.add_fault(match={"kind": "query"}, on_call=3, cut="before")
    for _ in range(2):
        assert rest.call("GET", "query?q=SELECT Id FROM Account").ok
    assert rest.call("GET", "limits").ok
    [fault] = sandbox.faults()
    assert (fault["seen"], fault["on_call"], fault["match"]["kind"]) == (2, 3, "query")
    with pytest.raises(requests.ConnectionError):
        rest.call("GET", "query?q=SELECT Id FROM Account")
    for wrong in ({"cut": "between"}, {"match": {"kind": "nothing"}}, {"match": {"path_regex": "("}}, {"on_cal": 1}):
        with pytest.raises(RuntimeError, match="The sandbox rejected POST /faults: 400"):
            sandbox.add_fault(**wrong)


def test_the_history_of_a_record_lists_its_writes_in_order(rest: Rest, sandbox: Control) -> None:
    rest.upsert([account("K1")])
    rest.upsert([{"Ext__c": "K1", "Name": "two"}])
    history = sandbox.history("Account", "K1")
    assert [(write["operation"], write["fields"]["Name"]) for write in history] == [
        ("create", "Account K1"),
        ("update", "two"),
    ]
    logged = {each["n"]: each for each in sandbox.requests()}
    assert [logged[write["request"]]["method"] for write in history] == ["PATCH", "PATCH"]
    assert {write["user"] for write in history} == {"integration@tests.example"}
    assert [write["at"] for write in history] == sorted(write["at"] for write in history)


def test_the_history_answers_which_values_a_record_took_in_order(rest: Rest, sandbox: Control) -> None:
    for name, kind in (("one", "A"), ("two", None), ("bad", "B"), ("three", "B")):
        rest.upsert([{"Ext__c": "K1", "Name": name, "Kind__c": kind}])
    [record] = sandbox.records("Account")
    rest.call("DELETE", f"sobjects/Account/{record['id']}")
    sandbox.edit_record("Account", record["id"], {"Name": "back"})
    assert sandbox.values("Account", "K1", "Name") == ["one", "two", "three", "back"]
    assert sandbox.values("Account", record["id"], "Kind__c") == ["A", None, "B"]
    operations = [write["operation"] for write in sandbox.history("Account", "K1")]
    assert operations == ["create", "update", "update", "delete", "import"]


def test_queries_find_what_was_written_after_a_moment(rest: Rest, org: Salesforce) -> None:
    rest.upsert([{"Ext__c": "k1", "Name": "One"}])
    [found] = org.query("SELECT Ext__c, SystemModstamp FROM Account WHERE SystemModstamp >= 2020-01-01T00:00:00Z")[
        "records"
    ]
    assert found["Ext__c"] == "k1"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", found["SystemModstamp"])
    for moment in ("2099-01-01T00:00:00Z", "2099-01-01T00:00:00.000+01:00"):
        assert org.query(f"SELECT Id FROM Account WHERE SystemModstamp >= {moment}")["totalSize"] == 0
    rest.upsert([{"Ext__c": "k1", "Name": "Two"}])
    [changed] = org.query("SELECT CreatedDate, LastModifiedDate, IsDeleted FROM Account")["records"]
    assert changed["CreatedDate"] == found["SystemModstamp"]
    assert changed["LastModifiedDate"] >= changed["CreatedDate"]
    assert changed["IsDeleted"] is False
    written = rest.upsert([{"Ext__c": "k1", "CreatedDate": "2020-01-01T00:00:00Z"}])
    assert error_of(written[0])[0] == "INVALID_FIELD_FOR_INSERT_UPDATE"


def test_a_record_is_read_with_every_field_that_the_user_may_see(rest: Rest, sandbox: Control) -> None:
    [made] = sandbox.add_records("Account", [{"Name": "n", "Ext__c": "A", "Secret__c": "hidden"}])
    read = rest.call("GET", "sobjects/Account/Ext__c/A").json()
    assert (read["Id"], read["Name"], read["Kind__c"], read["IsDeleted"]) == (made, "n", None, False)
    assert "Secret__c" not in read
    asked = {"ids": [made], "fields": ["Secret__c"]}
    rejected = rest.call("POST", "composite/sobjects/Account", asked)
    assert (rejected.status_code, rejected.json()[0]["errorCode"]) == (400, "INVALID_FIELD")


def test_check_20_columns_of_a_query_are_described(rest: Rest) -> None:
    answer = rest.call("GET", "query?q=SELECT+id,name+FROM+account&columns=true").json()
    assert [column["columnName"] for column in answer["columnMetadata"]] == ["Id", "Name"]
    assert {"aggregate", "joinColumns"} <= set(answer["columnMetadata"][0])


def test_check_21_a_key_of_two_records_is_300_with_their_addresses(rest: Rest, sandbox: Control) -> None:
    ids = sandbox.add_records("Account", [{"Name": "one", "Loose__c": "L"}, {"Name": "two", "Loose__c": "L"}])
    answer = rest.call("PATCH", "sobjects/Account/Loose__c/L", {"Name": "three"})
    assert answer.status_code == 300
    assert sorted(answer.json()) == sorted(f"/services/data/v59.0/sobjects/Account/{each}" for each in ids)


def test_check_24_chunked_bodies_gzip_answers_and_short_ids_work(rest: Rest, sandbox: Control) -> None:
    [long_id] = sandbox.add_records("Account", [{"Name": "n", "Ext__c": "A"}])
    url = f"{rest.url}/sobjects/Account/{long_id[:15]}"
    chunks = (part for part in (b'{"Name": ', b'"in chunks"}'))
    assert rest.session.patch(url, data=chunks, timeout=10).status_code == 204
    answer = rest.session.get(f"{rest.url}/sobjects/Account/describe", headers={"Accept-Encoding": "gzip"}, timeout=10)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert rest.call("GET", f"sobjects/Account/{long_id}").json()["Name"] == "in chunks"


def test_check_25_errors_are_lists_with_the_code_under_its_own_name(rest: Rest) -> None:
    single = rest.call("POST", "sobjects/Account", {"Ext__c": "A"})
    assert single.status_code == 400
    assert single.json() == [
        {"message": "Required fields are missing: [Name]", "errorCode": "REQUIRED_FIELD_MISSING", "fields": ["Name"]}
    ]
    assert rest.upsert([{"Ext__c": "A"}])[0]["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"


def test_check_32_a_key_of_two_records_rejects_the_record(rest: Rest, sandbox: Control) -> None:
    ids = sandbox.add_records("Account", [{"Name": "one", "Loose__c": "L"}, {"Name": "two", "Loose__c": "L"}])
    records = [{"attributes": {"type": "Account"}, "Loose__c": "L", "Name": "x"}]
    [result] = rest.call("PATCH", "composite/sobjects/Account/Loose__c", {"records": records}).json()
    code, message, fields = error_of(result)
    assert (code, fields) == ("DUPLICATE_EXTERNAL_ID", ["Loose__c"])
    assert message.startswith("Loose Key: more than one record found for external id field: [")
    assert all(each in message for each in ids)


def test_records_of_one_chunk_see_each_other(rest: Rest, sandbox: Control) -> None:
    records = [{"attributes": {"type": "Account"}, "Name": name, "Ext__c": "same"} for name in ("first", "second")]
    results = rest.call("POST", "composite/sobjects", {"records": records}).json()
    assert [result["success"] for result in results] == [True, False]
    assert error_of(results[1])[0] == "DUPLICATE_VALUE"
    assert len(sandbox.records("Account")) == 1


def test_a_duplicate_rule_rejects_a_record_like_another(rest: Rest, sandbox: Control) -> None:
    sandbox.switch_rule("one_of_a_kind", active=True)
    rest.upsert([{"Ext__c": "A", "LastName": "Known"}], object_name="Contact")
    [again] = rest.upsert([{"Ext__c": "B", "LastName": "Known"}], object_name="Contact")
    assert error_of(again)[:2] == ("DUPLICATES_DETECTED", "Use one of these records?")
    [same] = rest.upsert([{"Ext__c": "A", "LastName": "Known"}], object_name="Contact")
    assert same["success"]


def test_a_trigger_writes_to_the_parent_and_fails_with_its_words(rest: Rest, sandbox: Control) -> None:
    sandbox.switch_rule("LastContact", active=True)
    [parent] = sandbox.add_records("Account", [{"Name": "p", "Ext__c": "P"}])
    good, bad = rest.upsert(
        [
            {"Ext__c": "A", "LastName": "short", "Account": {"Ext__c": "P"}},
            {"Ext__c": "B", "LastName": "much too long", "Account": {"Ext__c": "P"}},
        ],
        object_name="Contact",
    )
    assert good["success"]
    code, message, _ = error_of(bad)
    assert code == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
    assert message.startswith("LastContact: execution of AfterInsert\n\ncaused by: System.DmlException: Update failed.")
    assert f"with id {parent}; first error: STRING_TOO_LONG, Last Contact: data value too large" in message
    assert sandbox.records("Account")[0]["fields"]["Last_Contact__c"] == "short"
    assert [each["fields"]["LastName"] for each in sandbox.records("Contact")] == ["short"]


def test_multipicklists_are_restricted_value_by_value(rest: Rest) -> None:
    fine, wrong = rest.upsert([account("A", Topics__c="X;Z"), account("B", Topics__c="X;Q")])
    assert fine["success"]
    assert error_of(wrong)[1] == "Topics: bad value for restricted picklist field: Q"


def test_a_trigger_looks_up_other_objects(rest: Rest, sandbox: Control) -> None:
    sandbox.switch_rule("NoSecondLead", active=True)
    rest.upsert([account("same", Kind__c="A"), account("other", Kind__c="B")])
    results = rest.upsert([{"Ext__c": key, "LastName": "x"} for key in ("same", "other", "new")], object_name="Contact")
    assert [result["success"] for result in results] == [False, True, True]
    assert error_of(results[0])[0] == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
    assert "System.DmlException: the account is a lead" in error_of(results[0])[1]


def test_a_trigger_creates_records_and_fails_with_their_rejection(rest: Rest, sandbox: Control) -> None:
    sandbox.switch_rule("FollowUp", active=True)
    sandbox.add_records("Task", [{"Subject": "known", "Ext__c": "B"}])
    good, bad = rest.upsert([{"Ext__c": key, "LastName": f"name {key}"} for key in "AB"], object_name="Contact")
    assert good["success"]
    tasks = {each["fields"]["Ext__c"]: each["fields"] for each in sandbox.records("Task")}
    assert (tasks["A"]["Subject"], tasks["A"]["WhoId"]) == ("name A", good["id"])
    assert error_of(bad)[1].startswith(
        "FollowUp: execution of AfterInsert\n\ncaused by: System.DmlException: Insert failed. First exception on "
        "row 0; first error: DUPLICATE_VALUE, duplicate value found: Ext__c duplicates value on record with id: "
    )
    assert [each["fields"]["Ext__c"] for each in sandbox.records("Contact")] == ["A"]


def test_a_record_in_approval_is_locked_and_an_empty_number_is_not_too_much(rest: Rest, sandbox: Control) -> None:
    for rule in ("in_approval", "too_much"):
        sandbox.switch_rule(rule, active=True)
    [made] = rest.upsert([account("A", Kind__c="B")])
    assert made["success"]
    [locked] = rest.upsert([account("A", Kind__c="B")])
    message = "This record is locked. If you need to edit it, contact your admin."
    assert error_of(locked)[:2] == ("ENTITY_IS_LOCKED", message)
    [much] = rest.upsert([account("C", Amount__c=1001)])
    assert error_of(much) == ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Too much", ["Amount__c"])


def test_copies_in_one_request_are_duplicates_too(rest: Rest, sandbox: Control) -> None:
    sandbox.switch_rule("one_of_a_kind", active=True)
    results = rest.upsert([{"Ext__c": key, "LastName": "Twin"} for key in "AB"], object_name="Contact")
    assert [result["success"] for result in results] == [True, False]
    assert error_of(results[1])[0] == "DUPLICATES_DETECTED"


def test_too_many_rows_of_one_parent_exceed_the_time_of_apex(rest: Rest, sandbox: Control) -> None:
    sandbox.switch_rule("slow_trigger", active=True)
    sandbox.add_records("Account", [account("P"), account("Q")])
    rows = [("P", n) for n in range(4)] + [("Q", n) for n in range(3)]
    results = rest.upsert(
        [{"Ext__c": f"{key}{n}", "LastName": "x", "Account": {"Ext__c": key}} for key, n in rows], object_name="Contact"
    )
    assert [result["success"] for result in results] == [False] * 4 + [True] * 3
    assert "System.LimitException: Apex CPU time limit exceeded" in error_of(results[0])[1]

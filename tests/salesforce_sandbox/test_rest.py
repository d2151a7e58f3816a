"""REST and Collections, as salesforce-wire.md section 7 checks them."""

from __future__ import annotations

import re
from typing import Any

import pytest
import requests
from simple_salesforce.api import Salesforce

from rest import Rest
from salesforce_sandbox.control import Control
from salesforce_sandbox.process import RunningSandbox
from salesforce_sandbox.record_ids import add_checksum


def account(key: str, **more: Any) -> dict[str, Any]:
    return {"Ext__c": key, "Name": f"Account {key}"} | more


def error_of(result: dict[str, Any]) -> tuple[str, str, list[str]]:
    [error] = result["errors"]
    return error["statusCode"], error["message"], error["fields"]


def test_check_12_versions_need_no_login(sandbox_server: RunningSandbox) -> None:
    listed = requests.get(f"{sandbox_server.http_url}/services/data", timeout=10).json()
    assert {"50.0", "59.0"} <= {each["version"] for each in listed}


def test_check_13_a_version_lists_its_resources(rest: Rest) -> None:
    assert {"identity", "query", "sobjects", "limits", "composite", "jobs"} <= set(rest.call("GET", "").json())


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


def test_check_17_describe_tells_the_truth(rest: Rest) -> None:
    described = rest.call("GET", "sobjects/Contact/describe").json()
    fields = {field["name"]: field for field in described["fields"]}
    assert fields["Ext__c"]["externalId"]
    assert fields["Ext__c"]["unique"]
    assert fields["LastName"]["nillable"] is False
    assert (fields["AccountId"]["referenceTo"], fields["AccountId"]["relationshipName"]) == (["Account"], "Account")
    assert "Secret__c" not in {
        field["name"] for field in rest.call("GET", "sobjects/Account/describe").json()["fields"]
    }


def test_check_18_unknown_objects_and_columns_have_salesforces_words(rest: Rest) -> None:
    unknown = rest.call("GET", "sobjects/Nothing/describe")
    assert (unknown.status_code, unknown.json()[0]["errorCode"]) == (404, "NOT_FOUND")
    wrong = rest.call("GET", "query?q=SELECT Id, Nope FROM Account")
    assert (wrong.status_code, wrong.json()[0]["errorCode"]) == (400, "INVALID_FIELD")
    assert "^\nERROR at Row:1:Column:" in wrong.json()[0]["message"]


def test_check_19_queries_page(org: Salesforce, sandbox: Control) -> None:
    sandbox.add_records("Account", [account(f"K{number}") for number in range(450)])
    first = org.query("SELECT Id, Ext__c FROM Account", headers={"Sforce-Query-Options": "batchSize=200"})
    assert (first["totalSize"], first["done"], len(first["records"])) == (450, False, 200)
    assert first["nextRecordsUrl"].startswith("/services/data/")
    assert len(org.query_all("SELECT Id FROM Account WHERE Ext__c LIKE 'K%'")["records"]) == 450


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
    refused = rest.upsert([account(f"K{number}") for number in range(201)])
    assert refused[0]["errorCode"] == "EXCEEDED_ID_LIMIT"


def test_checks_27_to_29_results_keep_order_and_good_records_are_committed(rest: Rest, sandbox: Control) -> None:
    results = rest.upsert([account("K1"), {"Ext__c": "K2"}, account("K3")])
    assert [result["success"] for result in results] == [True, False, True]
    assert [result.get("created") for result in results] == [True, None, True]
    assert error_of(results[1]) == ("REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]", ["Name"])
    assert [record["fields"]["Ext__c"] for record in sandbox.records("Account")] == ["K1", "K3"]
    made = rest.call(
        "POST", "composite/sobjects", {"records": [{"attributes": {"type": "Account"}, "Name": "x"}]}
    ).json()
    assert "created" not in made[0]


def test_check_30_all_or_none_commits_nothing(rest: Rest, sandbox: Control) -> None:
    results = rest.upsert([account("K1"), {"Ext__c": "K2"}, account("K3")], all_or_none=True)
    assert [result["errors"][0]["statusCode"] for result in results] == [
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "REQUIRED_FIELD_MISSING",
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    ]
    assert results[0]["created"] is True
    assert sandbox.records("Account") == []


def test_check_31_the_same_external_id_twice_fails_every_copy(rest: Rest) -> None:
    results = rest.upsert([account("K1"), account("K2"), account("k1")])
    assert [result["success"] for result in results] == [False, True, False]
    assert error_of(results[0]) == ("DUPLICATE_VALUE", "Duplicate external id specified: K1", ["Ext__c"])


@pytest.mark.parametrize(
    ("values", "code", "message", "fields"),
    [
        ({"Name": "x" * 81}, "STRING_TOO_LONG", "Name: data value too large: ", ["Name"]),
        (
            {"Kind__c": "Z"},
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "bad value for restricted picklist field: Z",
            ["Kind__c"],
        ),
        ({"Email__c": "nobody"}, "INVALID_EMAIL_ADDRESS", "Email__c: invalid email address: nobody", ["Email__c"]),
        ({"Nope__c": "x"}, "INVALID_FIELD", "No such column 'Nope__c' on sobject of type Account", []),
        (
            {"Formula__c": "x"},
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            "Unable to create/update fields: Formula__c",
            ["Formula__c"],
        ),
        ({"Amount__c": 1e30}, "NUMBER_OUTSIDE_VALID_RANGE", "value outside of valid range", ["Amount__c"]),
        ({"Name": "bad"}, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "This name is not welcome", ["Name"]),
        ({"Name": "forbidden"}, "INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", []),
        ({"Name": "always locked"}, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record", []),
    ],
)
def test_check_33_records_are_refused_with_the_codes_of_the_fact_sheet(
    rest: Rest, values: dict[str, Any], code: str, message: str, fields: list[str]
) -> None:
    [result] = rest.upsert([account("K1") | values])
    found_code, found_message, found_fields = error_of(result)
    assert (found_code, found_fields) == (code, fields)
    assert message in found_message


def test_check_33_a_malformed_id_is_a_record_error(rest: Rest) -> None:
    [result] = rest.upsert([{"Ext__c": "C1", "LastName": "x", "AccountId": "INVALID"}], object_name="Contact")
    assert error_of(result)[0] == "MALFORMED_ID"


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
    assert (record["fields"]["Kind__c"], record["fields"]["Amount__c"]) == (None, 3.0)


def test_check_36_more_than_ten_chunks_are_refused(rest: Rest) -> None:
    kinds = ["Account", "Contact"] * 6
    records = [{"attributes": {"type": kind}, "Name": "x"} for kind in kinds]
    refused = rest.call("POST", "composite/sobjects", {"records": records})
    assert refused.status_code == 400
    assert "more than 10 chunks" in refused.json()[0]["message"]


def test_check_37_delete_takes_ids_in_the_address(rest: Rest) -> None:
    ids = [result["id"] for result in rest.upsert([account("K1"), account("K2")])]
    path = f"composite/sobjects?ids={','.join(ids)}&allOrNone=true"
    assert [result["success"] for result in rest.call("DELETE", path).json()] == [True, True]
    assert error_of(rest.call("DELETE", path).json()[0])[0] == "ENTITY_IS_DELETED"


def test_a_value_of_a_wrong_type_refuses_the_whole_request(rest: Rest, sandbox: Control) -> None:
    refused = rest.upsert([account("K1"), account("K2", Amount__c="abc")])
    assert refused[0]["errorCode"] == "JSON_PARSER_ERROR"
    assert sandbox.records("Account") == []


def test_check_59_a_lock_clears_after_its_tries(rest: Rest) -> None:
    outcomes = [rest.upsert([account("K1", Name="locked")])[0]["success"] for _ in range(3)]
    assert outcomes == [False, False, True]


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


def test_the_history_of_a_record_lists_its_writes_in_order(rest: Rest, sandbox: Control) -> None:
    rest.upsert([account("K1")])
    rest.upsert([{"Ext__c": "K1", "Name": "two"}])
    history = sandbox.history("Account", "K1")
    assert [(write["operation"], write["fields"]["Name"]) for write in history] == [
        ("create", "Account K1"),
        ("update", "two"),
    ]


def test_queries_find_what_was_written_after_a_moment(rest: Rest, org: Salesforce) -> None:
    rest.upsert([{"Ext__c": "k1", "Name": "One"}])
    [found] = org.query("SELECT Ext__c, SystemModstamp FROM Account WHERE SystemModstamp >= 2020-01-01T00:00:00Z")[
        "records"
    ]
    assert found["Ext__c"] == "k1"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", found["SystemModstamp"])
    later = "SELECT Id FROM Account WHERE SystemModstamp >= 2099-01-01T00:00:00Z"
    assert org.query(later)["totalSize"] == 0


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


def test_check_32_a_key_of_two_records_refuses_the_record(rest: Rest, sandbox: Control) -> None:
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


def test_a_duplicate_rule_refuses_a_record_like_another(rest: Rest, sandbox: Control) -> None:
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
    assert f"with id {parent}; first error: STRING_TOO_LONG, Last_Contact__c: data value too large" in message
    assert sandbox.records("Account")[0]["fields"]["Last_Contact__c"] == "short"
    assert [each["fields"]["LastName"] for each in sandbox.records("Contact")] == ["short"]


def test_multipicklists_are_restricted_value_by_value(rest: Rest) -> None:
    fine, wrong = rest.upsert([account("A", Topics__c="X;Z"), account("B", Topics__c="X;Q")])
    assert fine["success"]
    assert error_of(wrong)[1] == "Topics__c: bad value for restricted picklist field: Q"

"""The control API: what it accepts, and that it reports a test's mistakes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rest import Rest
from salesforce_sandbox.control import Control


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda control: control.switch_rule("nothing", active=True), "No rule nothing"),
        (lambda control: control.change_field("Account", "Nmae", hidden=True), "no field Account.Nmae"),
        (lambda control: control.change_field("Account", "Name", hiden=True), "`hiden` is not known"),
        (lambda control: control.change_field("Account", "Name", length="long"), "valid integer"),
        (lambda control: control.add_picklist_values("Account", "Knid__c", "C"), "no field Account.Knid__c"),
        (lambda control: control.set_limit("DailyApiRequest", most=1), "No limit DailyApiRequest"),
        (lambda control: control.set_bulk(delay=1), "`delay` is not known"),
        (lambda control: control.add_job_fault(fial="x"), "fial"),
        (lambda control: control.add_records("Account", [{"Nmae": "x"}]), "No such column 'Nmae'"),
        (lambda control: control.records("Nothing"), "does not exist"),
    ],
)  # fmt: skip
def test_a_mistake_is_reported(sandbox: Control, mistake: Callable[[Control], object], message: str) -> None:
    with pytest.raises(RuntimeError, match="The sandbox rejected") as rejected:
        mistake(sandbox)
    assert message in str(rejected.value)


def test_fields_change_for_the_next_request(rest: Rest, sandbox: Control) -> None:
    sandbox.change_field("Account", "Plain__c", required=True, length=3)
    sandbox.add_picklist_values("Account", "Kind__c", "C")
    results = rest.upsert([
        {"Ext__c": "A", "Name": "x"}, {"Ext__c": "B", "Name": "x", "Plain__c": "long"},
        {"Ext__c": "C", "Name": "x", "Plain__c": "abc", "Kind__c": "C"},
    ])  # fmt: skip
    assert [result["success"] for result in results] == [False, False, True]
    assert [result["errors"][0]["statusCode"] for result in results[:2]] == [
        "REQUIRED_FIELD_MISSING",
        "STRING_TOO_LONG",
    ]


def test_a_reset_forgets_everything_but_sessions(rest: Rest, sandbox: Control) -> None:
    sandbox.change_field("Account", "Plain__c", required=True)
    sandbox.switch_rule("no_bad_names", active=False)
    sandbox.add_fault(match={"path_regex": "limits"}, cut="before")
    sandbox.switch_maintenance(active=True)
    sandbox.add_records("Account", [{"Name": "x", "Plain__c": "x"}])
    sandbox.reset()
    assert sandbox.records("Account") == []
    assert sandbox.faults() == []
    assert rest.call("GET", "limits").ok
    [bad, fine] = rest.upsert([{"Ext__c": "A", "Name": "bad"}, {"Ext__c": "B", "Name": "x"}])
    assert (bad["success"], fine["success"]) == (False, True)


def test_the_writes_of_an_object_are_listed_in_the_order_of_their_commits(rest: Rest, sandbox: Control) -> None:
    rest.upsert([{"Ext__c": "B", "Name": "1"}, {"Ext__c": "A", "Name": "2"}])
    rest.upsert([{"Ext__c": "B", "Name": "3"}])
    writes = sandbox.writes("Account")
    assert [write["fields"]["Name"] for write in writes] == ["1", "2", "3"]
    assert writes[0]["id"] == writes[2]["id"] != writes[1]["id"]

"""Drift of the org: each kind of change is found once, raises one alert, and is closed when it is repaired."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from exporter import Exporter, make_stream
from include.export.failures import RunFailure
from include.export.inspection import DriftReport, report_drift
from include.export.ledger import ExportAlerts, Outcome

DESCRIBE = {"path_regex": "describe"}
NOT_FOUND = '[{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]'
Act = Callable[[Exporter], object]


def look(exporter: Exporter, **options: Any) -> DriftReport:
    """Run the daily report."""
    return report_drift(exporter.inputs(**options))


def open_findings(exporter: Exporter) -> list[tuple[str, str]]:
    return exporter.connection.execute(
        "select kind, subject from crm_export.ExportFindings where closed_at is null order by kind, subject"
    ).fetchall()


def read_text(exporter: Exporter) -> str:
    """Return the text of the one open finding."""
    [(text,)] = exporter.connection.execute(
        "select told from crm_export.ExportFindings where closed_at is null"
    ).fetchall()
    return str(text)


def open_alerts(exporter: Exporter) -> dict[str, str | None]:
    alerts = ExportAlerts(exporter.connection).list_open(20)
    return {alert.subject: alert.message for alert in alerts if alert.kind == "finding"}


@pytest.fixture
def exported(exporter: Exporter) -> Exporter:
    """Return an exporter whose accounts are in the org, with the org's description of that time."""
    exporter.add({"id": 1, "kind": "A"}, {"id": 2, "kind": "B"}, {"id": 3, "amount": 7})
    assert exporter.run().outcome is Outcome.COMPLETE
    assert look(exporter).found == 0
    return exporter


@dataclass(frozen=True)
class Change:
    """A change of the org, its repair, and the expected finding and text."""

    kind: str
    subject: str
    said: str
    happen: Act
    mend: Act


def field(name: str, **changes: Any) -> Act:
    return lambda exporter: exporter.control.change_field("Account", name, **changes)


def account(**changes: Any) -> Act:
    return lambda exporter: exporter.control.change_object("Account", **changes)


CHANGES = {
    "a field is required": Change(
        "org:required", "Account.Plain__c", "Plain__c is now required, and accounts.yaml maps no column to it",
        field("Plain__c", required=True), field("Plain__c", required=False),
    ),
    "a required field has a default then": Change(
        "org:required", "Account.Plain__c", "Add it to fields, or ask your Salesforce admin for a default.",
        field("Plain__c", required=True), field("Plain__c", required=False, nillable=False),
    ),
    "a picklist value is removed": Change(
        "org:picklist", "Account.Kind__c", "no longer has 1 of the values of column kind: those records are rejected.",
        field("Kind__c", values=["A"]), field("Kind__c", values=["A", "B"]),
    ),
    "a picklist value is removed and the source corrected": Change(
        "org:picklist", "Account.Kind__c", "`python -m crm_export check accounts` names them.",
        field("Kind__c", values=["A"]), lambda exporter: exporter.change(2, 50, kind="A"),
    ),
    "a field is gone": Change(
        "org:field", "Account.Amount__c", "fields names Amount__c, which Account does not have in this org",
        field("Amount__c", hidden=True), field("Amount__c", hidden=False),
    ),
    "a field has another type": Change(
        "org:type", "Account.Amount__c", "Amount__c was of type double and is now of type date, which column amount",
        field("Amount__c", type="date"), field("Amount__c", type="double"),
    ),
    "a field is shorter than its texts": Change(
        "org:length", "Account.Name", "was shortened from 80 to 5 characters, and the source has texts of up to 9",
        field("Name", length=5), field("Name", length=80),
    ),
    "a field is shorter than its texts may be": Change(
        "org:length", "Account.Name", "declare the column varchar(40)",
        field("Name", length=40),
        lambda exporter: exporter.connection.execute("alter table app.accounts alter name type varchar(40)"),
    ),
    "records may not be created": Change(
        "org:right", "Account", "(createable is false)", account(createable=False), account(createable=True),
    ),
    "records may not be updated": Change(
        "org:right", "Account", "(updateable is false)", account(updateable=False), account(updateable=True),
    ),
    "records may not be deleted": Change(
        "org:right", "Account", "(deletable is false)", account(deletable=False), account(deletable=True),
    ),
    "a field may not be written": Change(
        "org:right", "Account.Notes__c", "may not write Account.Notes__c",
        field("Notes__c", read_only=True), field("Notes__c", read_only=False),
    ),
    "the external id is not marked": Change(
        "org:external_id", "Account.Ext__c", "which is not marked External ID in Salesforce",
        field("Ext__c", external_id=False), field("Ext__c", external_id=True),
    ),
    "the external id is not unique": Change(
        "org:external_id", "Account.Ext__c", "Ext__c is no longer Unique in Salesforce",
        field("Ext__c", unique=False), field("Ext__c", unique=True),
    ),
    "the external id is gone": Change(
        "org:external_id", "Account.Ext__c", "which Account does not have in this org",
        field("Ext__c", hidden=True), field("Ext__c", hidden=False),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_found_once_raises_one_alert_and_is_closed_when_it_is_mended(exported: Exporter, name: str) -> None:
    change = CHANGES[name]
    change.happen(exported)
    before = exported.last_call()
    assert look(exported).found == 1
    assert [call["method"] for call in exported.calls(before)] == ["GET"], "one call, and nothing is written"
    assert open_findings(exported) == [(change.kind, change.subject)]
    assert change.said in read_text(exported)
    assert open_alerts(exported) == {change.kind: read_text(exported)}
    assert look(exported).found == 1
    assert exported.connection.execute("select count(*) from crm_export.ExportFindings").fetchone() == (1,)
    change.mend(exported)
    assert look(exported).found == 0
    assert open_findings(exported) == []
    assert open_alerts(exported) == {}


def test_an_object_that_is_gone_is_a_finding_too(exported: Exporter) -> None:
    exported.control.add_fault(match=DESCRIBE, answer={"status": 404, "body": NOT_FOUND}, times=1)
    assert look(exported).found == 1
    assert open_findings(exported) == [("org:right", "Account")]
    exported.control.clear_faults()
    look(exported)
    assert open_findings(exported) == []


def test_several_changes_are_a_finding_each(exported: Exporter) -> None:
    for change in (CHANGES["a field is gone"], CHANGES["records may not be created"], CHANGES["a field is required"]):
        change.happen(exported)
    CHANGES["a picklist value is removed"].happen(exported)
    assert look(exported).found == 4
    assert len(open_alerts(exported)) == 4


def test_a_run_after_the_change_does_not_make_it_the_state_of_before(exported: Exporter) -> None:
    exported.control.change_field("Account", "Name", length=5)
    exported.control.change_field("Account", "Ext__c", unique=False)
    exported.control.change_field("Account", "Plain__c", required=True)
    exported.connection.execute("update crm_export.ExportWatermarks set described_at = null")
    exported.run(pause=False)
    assert look(exported).found == 3
    exported.stream = make_stream(fields={**exported.stream.fields, "Since__c": "changed_at"})
    exported.run(pause=False)
    assert look(exported).found == 3, "nor does a changed mapping"


def test_a_value_that_was_added_and_removed_again_is_found(exported: Exporter) -> None:
    exported.control.add_picklist_values("Account", "Kind__c", "C")
    exported.connection.execute("update crm_export.ExportWatermarks set described_at = null")
    exported.change(1, 50, kind="C")
    assert exported.run().outcome is Outcome.COMPLETE
    exported.control.change_field("Account", "Kind__c", values=["A", "B"])
    assert look(exported).found == 1


def test_a_picklist_that_becomes_restricted_is_compared_with_all_values(exporter: Exporter) -> None:
    exporter.control.change_field("Account", "Kind__c", restricted=False)
    exporter.add({"id": 1, "kind": "Anything"})
    exporter.run()
    assert look(exporter).found == 0
    exporter.control.change_field("Account", "Kind__c", restricted=True)
    assert look(exporter).found == 1
    assert "Anything" not in read_text(exporter), "no value of a record"


def test_what_fits_or_was_so_from_the_beginning_is_no_finding(exporter: Exporter) -> None:
    exporter.control.change_field("Account", "Plain__c", required=True)
    exporter.control.change_field("Account", "Ext__c", unique=False)
    exporter.control.change_field("Account", "Name", length=20)
    exporter.add({"id": 1, "kind": "Nonsense"})
    exporter.run(pause=False)
    exporter.control.change_field("Account", "Name", length=40)
    exporter.control.change_field("Account", "Notes__c", type="string", length=131072)
    exporter.control.change_field("Account", "Email__c", hidden=True)
    assert look(exporter).found == 0


def test_deleted_rows_need_no_picklist_value(exported: Exporter) -> None:
    exported.change(2, 50, deleted_at="2026-01-02T00:00:00Z")
    exported.control.change_field("Account", "Kind__c", values=["A"])
    assert look(exported).found == 0


def test_a_stream_that_only_updates_needs_no_required_field(exporter: Exporter) -> None:
    exporter.stream = make_stream(operation="update")
    exporter.control.add_records("Account", [{"Name": "old", "Ext__c": "A1"}])
    exporter.add({"id": 1})
    exporter.run()
    exporter.control.change_field("Account", "Plain__c", required=True)
    assert look(exporter).found == 0


def test_a_stream_that_never_ran_has_nothing_to_compare_with_but_its_file(exporter: Exporter) -> None:
    exporter.control.change_field("Account", "Amount__c", hidden=True)
    exporter.control.change_field("Account", "Plain__c", required=True)
    assert look(exporter).found == 1
    assert open_findings(exporter) == [("org:field", "Account.Amount__c")]


def test_without_api_calls_nothing_is_compared_and_nothing_closed(exported: Exporter) -> None:
    exported.control.change_field("Account", "Amount__c", hidden=True)
    look(exported)
    before = exported.last_call()
    assert look(exported, daily_api_limit=1).message == "Not compared: the daily API calls are used up."
    assert exported.calls(before) == []
    assert len(open_findings(exported)) == 1


def test_a_failure_is_written_to_the_run_and_closes_nothing(exported: Exporter) -> None:
    exported.control.change_field("Account", "Amount__c", hidden=True)
    look(exported)
    exported.control.add_fault(match=DESCRIBE, answer={"status": 503}, times=9)
    with pytest.raises(RunFailure):
        look(exported)
    last = exported.connection.execute("select kind, outcome from crm_export.ExportRuns order by id desc limit 1")
    assert last.fetchone() == ("reconcile", "failed")
    assert len(open_findings(exported)) == 1


def test_another_org_is_not_compared(exported: Exporter) -> None:
    exported.connection.execute("update crm_export.ExportWatermarks set organization_id = '00Dxx0000001gPM'")
    with pytest.raises(RunFailure, match="leads to Salesforce org"):
        look(exported)

"""Record look-ups: numbers compared as numbers, case where it matters, and never one match of several."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter import Exporter, make_stream
from include.export.reconcile.orphans import report_orphans
from include.export.salesforce.record_lookup import QUERY_LIMIT, divide_literals, normalise_id, quote_text
from salesforce_sandbox.records.soql import parse

ODD = {"object": "Odd__c", "fields": {"Number__c": "amount", "Defaulted__c": "name"}, "external_id": "Number__c"}


def odd(exporter: Exporter) -> dict[Any, dict[str, Any]]:
    """Return the records that are not deleted, by number."""
    found = exporter.control.records("Odd__c")
    return {each["fields"].get("Number__c"): each["fields"] for each in found if not each["deleted"]}


def delete_all(exporter: Exporter) -> None:
    exporter.connection.execute("update app.accounts set deleted_at = now(), changed_at = now() - interval '1 hour'")


@pytest.mark.field("F7")
@pytest.mark.parametrize("bulk_from", [None, 20], ids=["collections", "bulk"])
def test_numbers_are_external_ids_in_every_path(exporter: Exporter, bulk_from: int | None) -> None:
    exporter.stream = make_stream(**ODD, bulk_from=bulk_from)
    exporter.add_many(1, 60)
    exporter.connection.execute(
        "update app.accounts set amount = 1000 + id + case id % 2 when 0 then 0.00 else 0.50 end"
    )
    exporter.connection.execute("update app.accounts set name = null where id = 30")
    report = exporter.run(pause=False)
    assert (report.accepted, report.rejected) == (59, 1)
    assert (odd(exporter)[1002]["Defaulted__c"], odd(exporter)[1003.5]["Defaulted__c"]) == ("Account 2", "Account 3")
    [error] = exporter.errors()
    assert (error["external_id"], error["record_key"]) == ("1030", "30")
    exporter.connection.execute("update app.accounts set name = 'given' where id = 30")
    assert exporter.reexport(every=True).exported == 1
    assert report_orphans(exporter.inputs()).without_source == 0
    exporter.connection.execute("update app.accounts set id = id + 1000, amount = amount + 5000 where id = 60")
    assert report_orphans(exporter.inputs()).without_source == 1
    exporter.connection.execute("update app.accounts set id = id - 1000, amount = amount - 5000 where id = 1060")
    delete_all(exporter)
    exporter.run(pause=False)
    assert odd(exporter) == {}


@pytest.mark.field("F7")
def test_numbers_in_a_text_column_name_the_same_records(exporter: Exporter) -> None:
    fields = {"Number__c": "ext", "Defaulted__c": "name"}
    exporter.stream = make_stream(object="Odd__c", fields=fields, external_id="Number__c")
    exporter.add({"id": 1, "ext": "12.0"}, {"id": 2, "ext": "013"}, {"id": 3, "ext": "14"})
    exporter.run(pause=False)
    assert set(odd(exporter)) == {12, 13, 14}
    exporter.stream = make_stream(object="Odd__c", fields=fields, external_id="Number__c", operation="update")
    exporter.add({"id": 4, "ext": "14.00", "minute": 9}, {"id": 5, "ext": "no number", "minute": 9})
    exporter.run(pause=False)
    rejected = {error["record_key"]: error["error_code"] for error in exporter.errors()}
    assert rejected == {"5": "CRM_EXPORT_RECORD_NOT_FOUND"}
    assert odd(exporter)[14]["Defaulted__c"] == "Account 4"
    exporter.connection.execute("delete from app.accounts where id in (3, 5)")
    delete_all(exporter)
    exporter.run(pause=False)
    assert odd(exporter) == {}


def make_twins(exporter: Exporter, *texts: str, field: str = "Loose__c") -> None:
    """Create records with the same value in a field that is not unique."""
    for place, text in enumerate(texts):
        exporter.connection.execute("delete from app.accounts")
        exporter.connection.execute("delete from crm_export.ExportWatermarks")
        fields = {"Ext__c": "ext", "Name": "name", field: "notes"}
        exporter.stream = make_stream(fields=fields)
        exporter.add({"id": 900 + place, "ext": f"TWIN{place}", "notes": text, "name": f"Twin {place}"})
        exporter.run()
    exporter.connection.execute("delete from app.accounts")
    exporter.connection.execute("delete from crm_export.ExportWatermarks")


@pytest.mark.field("F12")
@pytest.mark.parametrize("operation", ["update", "delete"])
def test_two_records_with_one_value_are_both_left_unchanged(exporter: Exporter, operation: str) -> None:
    make_twins(exporter, "same", "same", "alone")
    fields = {"Loose__c": "ext", "Name": "name"}
    kind = "update" if operation == "update" else "upsert"
    exporter.stream = make_stream(fields=fields, external_id="Loose__c", operation=kind)
    gone = "2026-01-01Z" if operation == "delete" else None
    exporter.add(
        *({"id": n, "ext": ext, "name": "changed", "deleted_at": gone} for n, ext in enumerate(("alone", "same"), 1))
    )
    exporter.run(pause=True)
    [error] = exporter.errors()
    assert (error["error_code"], error["record_key"]) == ("CRM_EXPORT_DUPLICATE_EXTERNAL_ID", "2")
    names = exporter.names()
    assert (names["TWIN0"], names["TWIN1"]) == ("Twin 0", "Twin 1")
    assert names.get("TWIN2") == (None if operation == "delete" else "changed")


@pytest.mark.security("M4")
@pytest.mark.field("F12")
@pytest.mark.parametrize("operation", ["update", "delete"])
def test_ids_that_differ_in_case_are_distinguished_where_case_counts(exporter: Exporter, operation: str) -> None:
    make_twins(exporter, "abc", "ABC", field="Exact__c")
    fields = {"Exact__c": "ext", "Name": "name"}
    kind = "update" if operation == "update" else "upsert"
    exporter.stream = make_stream(fields=fields, external_id="Exact__c", operation=kind)
    gone = "2026-01-01Z" if operation == "delete" else None
    exporter.add(
        *({"id": n, "ext": ext, "name": f"now {ext}", "deleted_at": gone} for n, ext in enumerate(("abc", "ABC"), 1))
    )
    report = exporter.run()
    assert (report.accepted, report.rejected) == (2, 0)
    wanted = {} if operation == "delete" else {"TWIN0": "now abc", "TWIN1": "now ABC"}
    assert exporter.names() == wanted


@pytest.mark.security("M4")
def test_blanks_around_an_id_do_not_hide_its_record(exporter: Exporter) -> None:
    exporter.add({"id": 1, "ext": "abc"})
    exporter.run()
    exporter.connection.execute("delete from app.accounts")
    exporter.add({"id": 2, "ext": "ABC ", "deleted_at": "2026-01-01Z", "minute": 5})
    exporter.run()
    assert exporter.names() == {}


@pytest.mark.security("M4")
def test_two_rows_that_update_one_record_are_both_rejected(exporter: Exporter) -> None:
    exporter.add({"id": 1, "ext": "abc"})
    exporter.run()
    record = next(each["id"] for each in exporter.control.records("Account"))
    exporter.connection.execute("delete from app.accounts; delete from crm_export.ExportWatermarks")
    exporter.stream = make_stream(fields={"Id": "ext", "Name": "name"}, external_id="Id", operation="update")
    exporter.add({"id": 2, "ext": record[:15], "name": "one"}, {"id": 3, "ext": record, "name": "other"})
    exporter.run(pause=False)
    assert {error["error_code"] for error in exporter.errors()} == {"CRM_EXPORT_EXTERNAL_ID_CONFLICT"}
    assert exporter.names() == {"abc": "Account 1"}


@pytest.mark.security("M5")
@pytest.mark.parametrize("pause", [True, False], ids=["on", "off"])
def test_an_external_id_of_any_length_is_a_record_error_at_most(exporter: Exporter, pause: bool) -> None:
    exporter.add({"id": 1, "ext": "x" * 200_000, "deleted_at": "2026-01-01Z"}, {"id": 2})
    exporter.run(pause=pause)
    [error] = exporter.errors()
    assert (error["error_code"], error["record_key"]) == ("CRM_EXPORT_EXTERNAL_ID_TOO_LONG", "1")
    assert exporter.watermark() == (None if pause else "2")


@pytest.mark.security("M5")
@pytest.mark.parametrize("operation", ["update", "delete"])
def test_an_id_that_names_other_records_is_a_record_error(exporter: Exporter, operation: str) -> None:
    exporter.add({"id": 1, "ext": "A"}, {"id": 2, "ext": "B"})
    exporter.run()
    ids = ",".join(each["id"] for each in exporter.control.records("Account"))
    exporter.connection.execute("delete from app.accounts; delete from crm_export.ExportWatermarks")
    exporter.stream = make_stream(fields={"Id": "ext", "Name": "name"}, external_id="Id", operation="update")
    broken = ids[:17] + ("0" if ids[17] != "0" else "1")
    gone = "2026-01-01Z" if operation == "delete" else None
    exporter.add({"id": 3, "ext": ids, "deleted_at": gone}, {"id": 4, "ext": broken, "deleted_at": gone})
    exporter.run(pause=False)
    assert {error["error_code"] for error in exporter.errors()} == {"CRM_EXPORT_MALFORMED_ID"}
    assert exporter.names() == {"A": "Account 1", "B": "Account 2"}


@pytest.mark.security("M5")
def test_hostile_ids_are_looked_up_as_they_are(exporter: Exporter) -> None:
    texts = [
        "a'b",
        'a"b',
        "a\\b",
        "a\nb",
        "a\rb",
        "a\tb",
        "a\fb",
        "a\bb",
        "a/b%2C&q=",
        "') OR (Name != '",
        "é漢😀",
        "\x01x",
    ]
    exporter.add(*({"id": n, "ext": text} for n, text in enumerate(texts, 1)))
    assert exporter.run(pause=False).accepted == len(texts)
    delete_all(exporter)
    assert exporter.run(pause=False).accepted == len(texts)
    assert exporter.names() == {}


@given(st.lists(st.text(max_size=255), min_size=1, max_size=200))
def test_queries_fit_an_address_whatever_they_look_for(texts: list[str]) -> None:
    literals = [quote_text(text) for text in texts]
    parts = divide_literals(literals)
    assert [literal for part in parts for literal in part] == literals
    assert all(len(quote(",".join(part), safe="")) <= QUERY_LIMIT for part in parts if len(part) > 1)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=50))
def test_a_literal_is_read_back_as_it_was(text: str) -> None:
    query = parse(f"SELECT Id FROM Account WHERE Name = {quote_text(text)}")
    assert query.conditions[0].values == [text]


@pytest.mark.parametrize(
    ("given_id", "wanted"),
    [
        ("001xx000003DGb0", "001xx000003DGb0AAG"),
        ("001xx000003DGb0AAG", "001xx000003DGb0AAG"),
        ("001xx000003dgb0aag", "001xx000003DGb0AAG"),
        ("001xx000003DGb0AAB", None),
        ("001xx000003DGb0AA", None),
        ("001xx000003DGb0,001xx000003DGb1", None),
        ("", None),
    ],
)
def test_an_id_is_read_in_both_forms(given_id: str, wanted: str | None) -> None:
    assert normalise_id(given_id) == wanted

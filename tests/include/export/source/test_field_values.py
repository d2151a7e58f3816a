"""Fields of real orgs: checkboxes, days in a time zone, create-only fields, polymorphic parents."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter import Exporter, make_stream
from include.export.failures import ConfigurationFailure
from include.export.salesforce.object_schema import read_object_schema
from salesforce_sandbox.process import RunningSandbox, start_sandbox

BOTH = pytest.mark.parametrize("bulk_from", [None, 20], ids=["collections", "bulk"])
WIDE = 500


@pytest.fixture
def plain(exporter: Exporter) -> Exporter:
    """Return an exporter over forty accounts with a boolean, a date and a time."""
    exporter.connection.execute("alter table app.accounts add flag boolean, add day date, add moment timestamptz")
    exporter.add_many(1, 40)
    return exporter


def fields_of(exporter: Exporter, object_name: str = "Account") -> dict[str, dict[str, Any]]:
    return {each["fields"]["Ext__c"]: each["fields"] for each in exporter.control.records(object_name)}


@pytest.mark.field("F4")
@BOTH
def test_null_is_sent_as_false_to_a_checkbox(plain: Exporter, bulk_from: int | None) -> None:
    plain.connection.execute("update app.accounts set flag = id % 3 = 0 where id % 3 < 2")
    plain.stream = make_stream(fields={"Ext__c": "ext", "Name": "name", "Active__c": "flag"}, bulk_from=bulk_from)
    assert plain.run(pause=False).accepted == 40
    found = fields_of(plain)
    assert {number % 3: found[f"A{number}"]["Active__c"] for number in range(1, 41)} == {0: True, 1: False, 2: False}
    plain.connection.execute("update app.accounts set flag = null, changed_at = changed_at + interval '1 day'")
    plain.run(pause=False)
    assert {record["Active__c"] for record in fields_of(plain).values()} == {False}


@pytest.mark.field("F4")
def test_null_in_a_field_that_is_not_nillable_is_one_record_error_with_advice(plain: Exporter) -> None:
    fields = {"Number__c": "id", "Defaulted__c": "notes"}
    plain.stream = make_stream(object="Odd__c", external_id="Number__c", fields=fields)
    plain.connection.execute("update app.accounts set notes = null where id = 7")
    report = plain.run(pause=False)
    assert (report.accepted, report.rejected) == (39, 1)
    [error] = plain.errors()
    assert error["record_key"] == "7"
    verdict = plain.catalogue.classify(error["error_code"], error["error_message"])
    assert "in the source" in verdict.advice


@pytest.mark.field("F21")
@BOTH
@pytest.mark.parametrize(
    ("zone", "begin", "day"),
    [
        (None, "2025-07-10T00:00:00", "2025-07-09"),
        ("Europe/Berlin", "2025-07-09T22:00:00", "2025-07-10"),
        ("America/New_York", "2025-07-10T04:00:00", "2025-07-09"),
    ],
)
def test_days_are_those_of_the_streams_time_zone(
    plain: Exporter, bulk_from: int | None, zone: str | None, begin: str, day: str
) -> None:
    plain.connection.execute("update app.accounts set day = '2025-07-10', moment = '2025-07-09 23:30Z'")
    fields = {"Ext__c": "ext", "Name": "name", "Seen__c": "day", "Since__c": "moment"}
    changes = {"time_zone": zone} if zone else {}
    plain.stream = make_stream(fields=fields, bulk_from=bulk_from, **changes)
    assert plain.run(pause=False).accepted == 40
    found = fields_of(plain)["A40"]
    assert (found["Seen__c"][:19], found["Since__c"]) == (begin, day)


@pytest.mark.field("F29")
@BOTH
@pytest.mark.parametrize("nulls", ["clear", "keep", {"Notes__c": "keep"}])
def test_null_clears_a_field_or_leaves_it_as_it_is(plain: Exporter, bulk_from: int | None, nulls: Any) -> None:
    fields = {"Ext__c": "ext", "Name": "name", "Notes__c": "notes", "Amount__c": "amount", "Active__c": "flag"}
    plain.stream = make_stream(fields=fields, bulk_from=bulk_from, nulls=nulls)
    plain.connection.execute("update app.accounts set amount = 5, flag = true")
    plain.run(pause=False)
    plain.connection.execute(
        "update app.accounts set amount = null, flag = null, notes = case when id < 20 then '' end,"
        " changed_at = changed_at + interval '1 day'"
    )
    assert plain.run(pause=False).rejected == 0
    for found in fields_of(plain).values():
        kept = {"clear": (False, False), "keep": (True, True)}.get(str(nulls), (True, False))
        assert (found.get("Notes__c") is not None, found.get("Amount__c") is not None) == kept
        assert found["Active__c"] is (nulls == "keep")


@pytest.mark.field("F5")
def test_fields_of_new_records_are_sent_with_new_records_only(exporter: Exporter) -> None:
    fields = {"Loose__c": "ext", "Defaulted__c": "name", "Account__r.Ext__c": "kind"}
    exporter.add({"id": 1, "ext": "PARENT"}, {"id": 2, "ext": "OTHER"})
    exporter.run()
    exporter.connection.execute("delete from app.accounts; delete from crm_export.ExportWatermarks")
    exporter.stream = make_stream(object="Odd__c", external_id="Loose__c", fields=fields, bulk_from=1)
    exporter.add({"id": 3, "ext": "X", "kind": "PARENT"})
    with pytest.raises(ConfigurationFailure, match=r"Account__r.Ext__c can be set only when a record is created. List"):
        exporter.run()
    exporter.stream = make_stream(
        object="Odd__c", external_id="Loose__c", fields=fields, create_only=["Account__r.Ext__c"], bulk_from=1
    )
    assert exporter.run().accepted == 1
    [made] = exporter.control.records("Odd__c")
    exporter.change(3, 50, kind="OTHER", name="renamed")
    exporter.add({"id": 4, "ext": "Y", "kind": "OTHER", "minute": 51})
    assert exporter.run().accepted == 2
    first, second = sorted(exporter.control.records("Odd__c"), key=lambda each: str(each["fields"]["Loose__c"]))
    assert (first["fields"]["Defaulted__c"], first["fields"]["Account__c"]) == ("renamed", made["fields"]["Account__c"])
    assert second["fields"]["Account__c"] not in {None, made["fields"]["Account__c"]}
    assert "PUT" not in {call["method"] for call in exporter.calls()}, "a job sends one list of fields for all"


@pytest.mark.field("F16")
@BOTH
def test_a_parent_that_may_be_of_several_objects_is_named_with_its_object(
    exporter: Exporter, bulk_from: int | None
) -> None:
    exporter.add({"id": 1, "ext": "PARENT"})
    exporter.run()
    exporter.connection.execute("delete from app.accounts; delete from crm_export.ExportWatermarks")
    exporter.add_many(1, 40)
    exporter.connection.execute("update app.accounts set kind = 'PARENT' where id > 3")
    fields = {"Ext__c": "ext", "Subject": "name", "Account:Who.Ext__c": "kind"}
    exporter.stream = make_stream(object="Task", fields=fields, bulk_from=bulk_from)
    assert exporter.run(pause=False).accepted == 40
    found = fields_of(exporter, "Task")
    assert found["A4"]["WhoId"].startswith("001")
    assert found["A1"].get("WhoId") is None


@pytest.mark.field("F16")
@pytest.mark.parametrize(
    ("object_name", "field", "words"),
    [
        ("Task", "Who.Ext__c", r"can refer to several objects \(Contact, Account\).*Write Contact:Who.Ext__c"),
        ("Task", "Lead:Who.Ext__c", "cannot refer to Lead, only to Contact, Account"),
        ("Contact", "Account:Account.Ext__c", "refers to Account only.*Write Account.Ext__c"),
    ],
)
def test_a_parent_whose_object_is_not_clear_is_one_message(
    exporter: Exporter, object_name: str, field: str, words: str
) -> None:
    exporter.add({"id": 1})
    exporter.stream = make_stream(object=object_name, fields={"Ext__c": "ext", field: "kind"})
    with pytest.raises(ConfigurationFailure, match=words):
        exporter.run()


def test_a_field_that_nobody_may_write_is_named() -> None:
    stream = make_stream(fields={"Ext__c": "ext", "Name": "name"}, create_only=["Name"])
    field = {"type": "string", "updateable": False, "createable": False, "externalId": True}
    described = {"fields": [field | {"name": "Name"}, field | {"name": "Ext__c", "createable": True}]}
    with pytest.raises(ConfigurationFailure, match=r"may not write Account\.Name"):
        read_object_schema(stream, described)


@pytest.fixture(scope="module")
def wide_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """Return an org with an object of as many fields as a stream may have."""
    fields: dict[str, Any] = {f"Field_{n}__c": {"type": "string"} for n in range(1, WIDE)}
    fields["Ext__c"] = {"type": "string", "external_id": True, "unique": True}
    definition = yaml.safe_load((Path(__file__).resolve().parents[3] / "org.yaml").read_text())
    keep = ("organization", "users", "connected_apps", "limits")
    org = {name: definition[name] for name in keep} | {"objects": {"Wide__c": {"prefix": "a0W", "fields": fields}}}
    folder = Path(tempfile.mkdtemp(dir=tmp_path_factory.mktemp("wide")))
    (folder / "wide.yaml").write_text(yaml.safe_dump(org))
    with start_sandbox(folder / "wide.yaml", folder) as running:
        yield running


@pytest.mark.field("E100")
@BOTH
def test_a_stream_of_five_hundred_fields_arrives_and_keeps_what_it_may(
    exporter: Exporter, wide_server: RunningSandbox, bulk_from: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", wide_server.ca_file)
    wide_server.control.reset()
    columns = [f"c{n}" for n in range(1, WIDE)]
    exporter.connection.execute(
        f"create table app.wide (id integer primary key, {', '.join(f'{each} text' for each in columns)},"
        " changed_at timestamptz not null)"
    )
    exporter.connection.execute(
        f"insert into app.wide (id, {', '.join(columns)}, changed_at)"
        f" select n, {', '.join(f'{place} || chr(47) || n' for place in range(1, WIDE))}, '2026-01-01Z'"
        " from generate_series(1, 40) n"
    )
    exporter.connection.execute("update app.wide set c1 = repeat('x', 300) where id = 3")
    fields = {"Ext__c": "id"} | {f"Field_{n}__c": f"c{n}" for n in range(1, WIDE)}
    exporter.control, exporter.https_url = wide_server.control, wide_server.https_url
    exporter.stream = make_stream(
        source="app.wide", deleted=None, object="Wide__c", fields=fields, log_fields=list(fields), bulk_from=bulk_from
    )
    report = exporter.run(pause=False)
    assert (report.accepted, report.rejected) == (39, 1)
    [error] = exporter.errors()
    assert (len(error["payload"]), error["payload"]["Field_499__c"]) == (WIDE, "499/3")
    exporter.connection.execute("update app.wide set c1 = 'short' where id = 3")
    assert exporter.reexport(every=True).exported == 1
    found = fields_of(exporter, "Wide__c")
    assert json.dumps(found["3"]["Field_499__c"]) == '"499/3"'
    assert len([name for name in found["40"] if name.endswith("__c")]) == WIDE

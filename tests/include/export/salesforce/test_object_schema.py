"""Lookup fields that lead to the stream's own object."""

from __future__ import annotations

from typing import Any

import pytest

from exporter import make_stream
from include.export.record_sql import RecordForm
from include.export.record_sql.column_sql import Column
from include.export.salesforce.object_schema import ObjectSchema, read_object_schema

FIELD = {"createable": True, "updateable": True, "type": "string", "nillable": True}


def reference(name: str, *kinds: str) -> dict[str, Any]:
    """Return a lookup field as describe reports it."""
    return {**FIELD, "name": f"{name}Id", "type": "reference", "relationshipName": name, "referenceTo": list(kinds)}


DESCRIBED = {
    "createable": True,
    "updateable": True,
    "deletable": True,
    "fields": [
        {**FIELD, "name": "Ext__c", "externalId": True},
        reference("Parent", "Account"),
        reference("Owner", "User"),
        reference("Any", "Account", "User"),
    ],
}


@pytest.mark.parametrize(
    ("field", "own"),
    [
        ("Parent.Ext__c", ("ParentId",)),
        ("ParentId", ("ParentId",)),
        ("AnyId", ("AnyId",)),
        ("Account:Any.Ext__c", ("AnyId",)),
        ("User:Any.Ext__c", ()),
        ("OwnerId", ()),
        ("Owner.Ext__c", ()),
    ],
)
def test_rows_that_may_be_parents_of_each_other_are_written_one_after_the_other(
    field: str, own: tuple[str, ...]
) -> None:
    stream = make_stream(fields={"Ext__c": "ext", field: "kind"}, lock_order="kind", deleted=None)
    schema = read_object_schema(stream, DESCRIBED)
    assert schema.own_lookups == own
    assert ObjectSchema.from_json(schema.as_json()) == schema
    form = RecordForm(stream, schema, {name: Column(name, "text", "S") for name in ("ext", "kind")})
    assert (form.refers_to_itself, form.may_divide) == (bool(own), not own)


def test_a_description_that_was_stored_without_them_has_none() -> None:
    stream = make_stream(fields={"Ext__c": "ext", "ParentId": "kind"})
    stored = read_object_schema(stream, DESCRIBED).as_json()
    del stored["own_lookups"]
    assert ObjectSchema.from_json(stored).own_lookups == ()

"""Describing objects (salesforce-wire.md section 2)."""

from __future__ import annotations

from typing import Any

from salesforce_sandbox.definition.objects import FieldDefinition, FieldType, ObjectDefinition
from salesforce_sandbox.records.schema import SYSTEM

_SOAP_TYPES = {
    FieldType.BOOLEAN: "xsd:boolean",
    FieldType.INT: "xsd:int",
    FieldType.DOUBLE: "xsd:double",
    FieldType.CURRENCY: "xsd:double",
    FieldType.PERCENT: "xsd:double",
    FieldType.DATE: "xsd:date",
    FieldType.DATETIME: "xsd:dateTime",
    FieldType.ID: "tns:ID",
    FieldType.REFERENCE: "tns:ID",
}
_NUMBERS = {FieldType.DOUBLE, FieldType.CURRENCY, FieldType.PERCENT}


def describe(name: str, definition: ObjectDefinition, base: str) -> dict[str, Any]:
    """Return the full description of an object; `base` is the path of the API version."""
    fields = [_describe_field("Id", FieldDefinition(type=FieldType.ID, length=18))]
    known = SYSTEM | definition.fields
    fields += [_describe_field(key, field) for key, field in known.items() if not field.hidden]
    return describe_briefly(name, definition, base) | {
        "fields": fields,
        "recordTypeInfos": [],
        "childRelationships": [],
    }


def describe_briefly(name: str, definition: ObjectDefinition, base: str) -> dict[str, Any]:
    """Return the entry of an object in the list of objects."""
    path = f"{base}/sobjects/{name}"
    return {
        "name": name,
        "label": definition.label or name,
        "keyPrefix": definition.prefix,
        "custom": name.endswith("__c"),
        "createable": definition.createable,
        "updateable": definition.updateable,
        "deletable": definition.deletable,
        "queryable": True,
        "retrieveable": True,
        "undeletable": True,
        "urls": {"sobject": path, "describe": f"{path}/describe", "rowTemplate": f"{path}/{{ID}}"},
    }


def _describe_field(name: str, field: FieldDefinition) -> dict[str, Any]:
    is_id = field.type is FieldType.ID
    writable = not (is_id or field.read_only)
    return {
        "name": name,
        "label": field.label or name,
        "type": field.type.value,
        "soapType": _SOAP_TYPES.get(field.type, "xsd:string"),
        "length": 18 if field.type in {FieldType.ID, FieldType.REFERENCE} else field.length,
        "byteLength": field.length * 3,
        "precision": field.precision if field.type in _NUMBERS else 0,
        "scale": 2 if field.type in _NUMBERS else 0,
        "digits": field.precision if field.type is FieldType.INT else 0,
        "nillable": not (field.required or is_id or name in SYSTEM or field.type is FieldType.BOOLEAN),
        "createable": writable,
        "updateable": writable,
        "defaultedOnCreate": is_id or name in SYSTEM or field.type is FieldType.BOOLEAN,
        "externalId": field.external_id,
        "idLookup": is_id or field.external_id,
        "unique": field.unique,
        "caseSensitive": field.case_sensitive,
        "autoNumber": False,
        "calculated": False,
        "custom": name.endswith("__c"),
        "referenceTo": field.to,
        "relationshipName": field.relationship,
        "polymorphicForeignKey": len(field.to) > 1,
        "namePointing": len(field.to) > 1,
        "restrictedPicklist": field.restricted,
        "picklistValues": [
            {"active": True, "defaultValue": False, "label": value, "validFor": None, "value": value}
            for value in field.values
        ],
        "permissionable": not field.required,
    }

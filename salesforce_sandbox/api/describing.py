"""Describing objects."""

from __future__ import annotations

from typing import Any

from salesforce_sandbox.definition.objects import FieldDefinition, FieldType, ObjectDefinition, label_name
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


# keys that no client of this sandbox reads, with the same value for every object and field
_OBJECT: dict[str, Any] = {
    "activateable": False, "associateEntityType": None, "associateParentEntity": None, "customSetting": False,
    "deepCloneable": False, "deprecatedAndHidden": False, "feedEnabled": False, "hasSubtypes": False,
    "isInterface": False, "isSubtype": False, "layoutable": True, "mergeable": False, "mruEnabled": True,
    "queryable": True, "replicateable": True, "retrieveable": True, "searchable": True, "triggerable": True,
    "undeletable": True,
}  # fmt: skip
_FIELD: dict[str, Any] = {
    "aggregatable": True, "aiPredictionField": False, "autoNumber": False, "calculated": False,
    "calculatedFormula": None, "cascadeDelete": False, "compoundFieldName": None, "controllerName": None,
    "defaultValue": None, "defaultValueFormula": None, "dependentPicklist": False, "deprecatedAndHidden": False,
    "displayLocationInDecimal": False, "encrypted": False, "extraTypeInfo": None, "filterable": True,
    "filteredLookupInfo": None, "formulaTreatNullNumberAsZero": False, "groupable": True, "highScaleNumber": False,
    "htmlFormatted": False, "inlineHelpText": None, "mask": None, "maskType": None, "nameField": False,
    "queryByDistance": False, "referenceTargetField": None, "relationshipOrder": None, "restrictedDelete": False,
    "searchPrefilterable": False, "sortable": True, "writeRequiresMasterRead": False,
}  # fmt: skip


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
        "label": definition.label or label_name(name),
        "keyPrefix": definition.prefix,
        "custom": name.endswith("__c"),
        "createable": definition.createable,
        "updateable": definition.updateable,
        "deletable": definition.deletable,
        "labelPlural": f"{definition.label or label_name(name)}s",
        **_OBJECT,
        "urls": {"sobject": path, "describe": f"{path}/describe", "rowTemplate": f"{path}/{{ID}}"},
    }


def _describe_field(name: str, field: FieldDefinition) -> dict[str, Any]:
    is_id = field.type is FieldType.ID
    writable = not (is_id or field.read_only)
    required = field.required and not is_id
    return _FIELD | {
        "name": name,
        "label": field.label_of(name),
        "type": field.type.value,
        "soapType": _SOAP_TYPES.get(field.type, "xsd:string"),
        "length": 18 if field.type in {FieldType.ID, FieldType.REFERENCE} else field.length,
        "byteLength": 18 if field.type in {FieldType.ID, FieldType.REFERENCE} else field.length * 3,
        "precision": field.precision if field.type in _NUMBERS else 0,
        "scale": 2 if field.type in _NUMBERS else 0,
        "digits": field.precision if field.type is FieldType.INT else 0,
        "nillable": field.takes_null and not (is_id or name in SYSTEM),
        "createable": writable and field.createable,
        "updateable": writable and field.updateable,
        "defaultedOnCreate": is_id or name in SYSTEM or not (field.takes_null or required),
        "externalId": field.external_id,
        "idLookup": is_id or field.external_id,
        "unique": field.unique,
        "caseSensitive": field.case_sensitive,
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

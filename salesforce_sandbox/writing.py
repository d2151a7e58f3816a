"""Saving and deleting records as Salesforce does: references, required fields, unique keys, rules, in one order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from salesforce_sandbox import assumptions
from salesforce_sandbox.definition import FieldDefinition, FieldType, ObjectDefinition, OrgDefinition
from salesforce_sandbox.field_values import read_value
from salesforce_sandbox.record_ids import normalise_id
from salesforce_sandbox.refusals import RecordRefused, RequestRefused
from salesforce_sandbox.rules import RuleBook
from salesforce_sandbox.storage import Record, Storage


@dataclass(frozen=True)
class Saved:
    """A saved record."""

    id: str
    created: bool


@dataclass
class Writer:
    """Writes records into the storage by the definition and the rules of an org."""

    definition: OrgDefinition
    storage: Storage
    rules: RuleBook
    request: int = 0

    def object(self, name: str) -> tuple[str, ObjectDefinition]:
        """Return an object's own name and definition; raises RequestRefused (404) for an unknown one."""
        for known, definition in self.definition.objects.items():
            if known.lower() == name.lower():
                return known, definition
        raise RequestRefused(404, "NOT_FOUND", "The requested resource does not exist")

    def create(self, object_name: str, values: Mapping[str, Any]) -> Saved:
        """Create a record."""
        name, definition = self.object(object_name)
        if not definition.createable:
            told = f"entity type cannot be inserted: {definition.label or name}"
            raise RecordRefused("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", told)
        return self._save(name, definition, values, None)

    def update(self, object_name: str, record_id: Any, values: Mapping[str, Any]) -> Saved:
        """Update a record by its id."""
        name, definition = self.object(object_name)
        return self._save(name, definition, values, self.find(name, record_id))

    def upsert(self, object_name: str, key_field: str, values: Mapping[str, Any]) -> Saved:
        """Create or update the record that an external id names."""
        name, definition = self.object(object_name)
        field_name, field = self.field(name, definition, key_field)
        value = next((found for given, found in values.items() if given.lower() == field_name.lower()), None)
        if field_name == "Id":
            rest = {key: found for key, found in values.items() if key.lower() != "id"}
            return self.update(name, value, rest) if value else self.create(name, rest)
        if value is None or value == "":
            code, message = assumptions.BLANK_EXTERNAL_ID
            raise RecordRefused(code, message.format(field=field_name), (field_name,))
        found = self._matches(name, field_name, field, value)
        if len(found) > 1:
            told = (
                f"{field.label or field_name}: more than one record found for external id field: [{', '.join(found)}]"
            )
            raise RecordRefused("DUPLICATE_EXTERNAL_ID", told, (field_name,))
        if not found:
            return self.create(name, values)
        return self._save(name, definition, values, self.find(name, found[0]))

    def delete(self, record_id: Any) -> str:
        """Move a record to the recycle bin and return its id."""
        found = self.storage.find(normalise_id(record_id) or "")
        if found is None:
            if normalise_id(record_id) is None:
                raise RecordRefused("MALFORMED_ID", f"bad id {record_id}")
            raise RecordRefused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        if found.deleted:
            raise RecordRefused(*assumptions.DELETED_AGAIN)
        if not self.definition.objects[found.object].deletable:
            raise RecordRefused("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id")
        self.storage.save(Record(found.id, found.object, found.fields, True), {}, "delete", {}, self.request)
        return found.id

    def find(self, object_name: str, record_id: Any) -> Record:
        """Return a living record by id; raises RecordRefused."""
        normal = normalise_id(record_id)
        if normal is None:
            raise RecordRefused("MALFORMED_ID", f"{object_name} ID: id value of incorrect type: {record_id}", ("Id",))
        found = self.storage.find(normal)
        if found is None or found.object != object_name:
            raise RecordRefused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        if found.deleted:
            raise RecordRefused(*assumptions.DELETED_AGAIN)
        return found

    def field(self, name: str, definition: ObjectDefinition, field_name: str) -> tuple[str, FieldDefinition]:
        """Return a field's own name and definition; raises RecordRefused for an unknown or hidden one."""
        if field_name.lower() == "id":
            return "Id", FieldDefinition(type=FieldType.ID)
        for known, field in definition.fields.items():
            if known.lower() == field_name.lower() and not field.hidden:
                return known, field
        raise RecordRefused("INVALID_FIELD", f"No such column '{field_name}' on sobject of type {name}")

    def parents_of(self, name: str, values: Mapping[str, Any], relation: str) -> Mapping[str, Any]:
        """Return the fields of the parent under a relationship name, nothing when there is none."""
        for field_name, field in self.definition.objects[name].fields.items():
            if field.relationship and field.relationship.lower() == relation.lower() and values.get(field_name):
                found = self.storage.find(str(values[field_name]))
                return found.fields | {"Id": found.id} if found else {}
        return {}

    def import_record(self, object_name: str, values: Mapping[str, Any]) -> str:
        """Store a record as it is, past rules and rights; an `Id` may be given."""
        name, definition = self.object(object_name)
        record_id = normalise_id(values.get("Id")) or self.storage.new_id(name, definition.prefix)
        existing = self.storage.find(record_id)
        fields = (existing.fields if existing else {}) | {key: value for key, value in values.items() if key != "Id"}
        record = Record(record_id, name, fields, False)
        self.storage.save(record, self._keys(name, fields), "import", values, self.request)
        return record_id

    def _save(self, name: str, definition: ObjectDefinition, given: Mapping[str, Any], before: Record | None) -> Saved:
        written = self._read_all(name, definition, given)
        values = (before.fields if before else {}) | written
        _check_required(definition, values)
        record_id = before.id if before else self.storage.new_id(name, definition.prefix)
        self._check_unique(name, definition, values, record_id)
        self.rules.check(
            name,
            values | {"Id": record_id},
            before.fields if before else None,
            lambda relation: self.parents_of(name, values, relation),
        )
        operation = "update" if before else "create"
        record = Record(record_id, name, values, False)
        self.storage.save(record, self._keys(name, values), operation, written, self.request)
        return Saved(record_id, before is None)

    def _read_all(self, name: str, definition: ObjectDefinition, given: Mapping[str, Any]) -> dict[str, Any]:
        written: dict[str, Any] = {}
        for given_name, value in given.items():
            if given_name.lower() in {"attributes", "id"}:
                continue
            if isinstance(value, dict):
                field_name, found = self._find_parent(name, definition, given_name, value)
                written[field_name] = found
                continue
            field_name, field = self.field(name, definition, given_name)
            if field.read_only:
                told = (
                    f"Unable to create/update fields: {field_name}. Please check the security settings of this field "
                )
                told += "and verify that it is read/write for your profile or permission set."
                raise RecordRefused("INVALID_FIELD_FOR_INSERT_UPDATE", told, (field_name,))
            written[field_name] = read_value(field_name, field, value)
            if field.type is FieldType.REFERENCE and written[field_name]:
                self._check_reference(field, written[field_name])
        return written

    def _find_parent(
        self, name: str, definition: ObjectDefinition, relation: str, value: Mapping[str, Any]
    ) -> tuple[str, str]:
        named = {key: found for key, found in value.items() if key.lower() != "attributes"}
        for field_name, field in definition.fields.items():
            if field.relationship and field.relationship.lower() == relation.lower() and not field.hidden:
                wanted = (value.get("attributes") or {}).get("type") or field.to[0]
                key, key_value = next(iter(named.items()))
                parent, parent_definition = self.object(wanted)
                key_name, key_field = self.field(parent, parent_definition, key)
                found = self._matches(parent, key_name, key_field, key_value)
                if not found:
                    told = f"Foreign key external ID: {key_value} not found for field {key_name} in entity {parent}"
                    raise RecordRefused("INVALID_FIELD", told)
                return field_name, found[0]
        raise RecordRefused("INVALID_FIELD", f"No such column '{relation}' on sobject of type {name}")

    def _check_reference(self, field: FieldDefinition, record_id: str) -> None:
        found = self.storage.find(record_id)
        if found is None or found.object not in field.to:
            raise RecordRefused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        if found.deleted:
            raise RecordRefused("ENTITY_IS_DELETED", "entity is deleted")

    def _matches(self, name: str, field_name: str, field: FieldDefinition, value: Any) -> list[str]:
        folded = assumptions.fold(str(value), case_sensitive=field.case_sensitive)
        return self.storage.find_by_key(name, field_name, folded)

    def _check_unique(self, name: str, definition: ObjectDefinition, values: Mapping[str, Any], record_id: str) -> None:
        for field_name, field in definition.fields.items():
            value = values.get(field_name)
            if field.unique and value is not None:
                others = [other for other in self._matches(name, field_name, field, value) if other != record_id]
                if others:
                    told = f"duplicate value found: {field_name} duplicates value on record with id: {others[0]}"
                    raise RecordRefused("DUPLICATE_VALUE", told)

    def _keys(self, name: str, values: Mapping[str, Any]) -> dict[str, str]:
        fields = self.definition.objects[name].fields
        return {
            key: assumptions.fold(str(values[key]), case_sensitive=field.case_sensitive)
            for key, field in fields.items()
            if (field.unique or field.external_id) and values.get(key) is not None
        }


def _check_required(definition: ObjectDefinition, values: Mapping[str, Any]) -> None:
    missing = [name for name, field in definition.fields.items() if field.required and values.get(name) is None]
    if missing:
        told = f"Required fields are missing: [{', '.join(missing)}]"
        raise RecordRefused("REQUIRED_FIELD_MISSING", told, tuple(missing))

"""Finding the records that a record refers to: itself by id, its parents by id or by an external id."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from salesforce_sandbox import assumptions
from salesforce_sandbox.definition.objects import FieldDefinition
from salesforce_sandbox.definition.settings import Leniency
from salesforce_sandbox.records.chunk import Chunk
from salesforce_sandbox.records.record_ids import normalise_id
from salesforce_sandbox.records.rejections import RecordRejected, no_such_column
from salesforce_sandbox.records.schema import ObjectSchema, Schema, fold
from salesforce_sandbox.records.storage import Record


@dataclass
class RecordFinder:
    """Finds records of an org as a chunk sees them; `own_records` are not found as parents."""

    schema: Schema
    chunk: Chunk
    own_records: Container[str] = ()

    def find(self, entity: ObjectSchema, record_id: Any) -> Record:
        """Return a living record by id; raises RecordRejected."""
        normal = normalise_id(record_id)
        if normal is None:
            raise RecordRejected("MALFORMED_ID", f"{entity.name} ID: id value of incorrect type: {record_id}", ("Id",))
        found = self.chunk.find(normal)
        if found is None or found.object != entity.name:
            raise RecordRejected("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        if found.deleted:
            raise RecordRejected(*assumptions.DELETED_AGAIN)
        return found

    def parent_of(self, entity: ObjectSchema, values: Mapping[str, Any], relation: str) -> Record | None:
        """Return the parent under a relationship name, None when there is none."""
        reference = entity.relation(relation)
        parent_id = values.get(reference[0]) if reference else None
        return self.chunk.find(str(parent_id)) if parent_id else None

    def find_parent(self, entity: ObjectSchema, given: str, value: Any) -> tuple[str, str | None]:
        """Return the reference field and the parent's id for `Rel__r: {Key: value}`; raises RecordRejected."""
        reference = entity.relation(given)
        named = {key: found for key, found in value.items() if key.lower() != "attributes"}
        if reference is None or not named:
            raise no_such_column(given, entity.name)
        name, field = reference
        kind = self._kind_of_parent(given, field, (value.get("attributes") or {}).get("type"))
        key, key_value = next(iter(named.items()))
        parent = self.schema.object(kind)
        key_name, key_field = parent.field(key)
        if key_value is None or key_value == "":
            return name, None
        known = self.chunk.find_by_key(parent.name, key_name, fold(key_field, key_value))
        found = [each for each in known if each not in self.own_records]
        if len(found) > 1 and Leniency.AMBIGUOUS_PARENTS not in self.schema.lenient:
            raise several_found(key_name, key_field, found)
        if not found:
            message = f"Foreign key external ID: {key_value} not found for field {key_name} in entity {parent.name}"
            raise RecordRejected("INVALID_FIELD", message)
        return name, found[0]

    def _kind_of_parent(self, relation: str, field: FieldDefinition, given: Any) -> str:
        if given is None:
            if len(field.to) > 1 and Leniency.UNTYPED_PARENTS not in self.schema.lenient:
                raise RecordRejected("INVALID_FIELD", assumptions.UNTYPED_PARENT.format(relation=relation))
            return field.to[0]
        kind = next((each for each in field.to if each.lower() == str(given).lower()), None)
        if kind is None:
            raise RecordRejected("INVALID_FIELD", f"sObject type '{given}' is not a parent of relationship {relation}")
        return kind

    def check_reference(self, field: FieldDefinition, record_id: str) -> None:
        """Raise RecordRejected when a reference does not lead to a living record of an object it may refer to."""
        found = self.chunk.find(record_id)
        if found is None or found.object not in field.to:
            raise RecordRejected("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        if found.deleted:
            raise RecordRejected("ENTITY_IS_DELETED", "entity is deleted")


def several_found(name: str, field: FieldDefinition, ids: Sequence[str]) -> RecordRejected:
    """Return the rejection of an external id that several records share."""
    message = f"{field.label_of(name)}: more than one record found for external id field: [{', '.join(ids)}]"
    return RecordRejected("DUPLICATE_EXTERNAL_ID", message, (name,))

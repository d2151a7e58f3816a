"""The objects and fields of an org, as one request looks them up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from salesforce_sandbox import assumptions
from salesforce_sandbox.definition.objects import FieldDefinition, FieldType, ObjectDefinition
from salesforce_sandbox.records.field_values import PLAIN_TEXTS, Reader, make_reader
from salesforce_sandbox.records.refusals import RecordRefused, RequestRefused

_ID = FieldDefinition(type=FieldType.ID)
_MOMENT = FieldDefinition(type=FieldType.DATETIME, read_only=True)
SYSTEM = {
    "CreatedDate": _MOMENT,
    "LastModifiedDate": _MOMENT,
    "SystemModstamp": _MOMENT,
    "IsDeleted": FieldDefinition(type=FieldType.BOOLEAN, read_only=True),
}  # what every object has, told from the history


@dataclass(frozen=True, slots=True)
class Column:
    """A field with the function that reads its values; texts up to `plain_length` characters are taken as they are."""

    name: str
    field: FieldDefinition
    read: Reader
    refers: bool
    plain_length: int


class ObjectSchema:
    """An object whose fields are found by any spelling."""

    def __init__(self, name: str, definition: ObjectDefinition) -> None:
        self.name, self.definition = name, definition
        self.columns: dict[str, Column] = {}  # those that were asked for, by the spelling that was used

    @property
    def prefix(self) -> str:
        """Return the three characters with which the ids begin."""
        return self.definition.prefix

    @cached_property
    def fields(self) -> dict[str, tuple[str, FieldDefinition]]:
        """Return the visible fields by their lower-case name."""
        visible = {name: field for name, field in self.definition.fields.items() if not field.hidden}
        return {"id": ("Id", _ID)} | {name.lower(): (name, field) for name, field in (SYSTEM | visible).items()}

    @cached_property
    def relations(self) -> dict[str, tuple[str, FieldDefinition]]:
        """Return the visible references by their lower-case relationship name."""
        fields = self.fields.values()
        return {field.relationship.lower(): (name, field) for name, field in fields if field.relationship}

    @cached_property
    def keys(self) -> list[tuple[str, FieldDefinition]]:
        """Return the fields whose values are kept as keys: unique ones and external ids."""
        return [(name, field) for name, field in self.definition.fields.items() if field.unique or field.external_id]

    @cached_property
    def required(self) -> list[str]:
        """Return the fields that every record needs."""
        return [name for name, field in self.definition.fields.items() if field.required]

    def field(self, given: str) -> tuple[str, FieldDefinition]:
        """Return a field's own name and definition; raises RecordRefused for an unknown or hidden one."""
        found = self.fields.get(given.lower())
        if found is None:
            raise RecordRefused("INVALID_FIELD", f"No such column '{given}' on sobject of type {self.name}")
        return found

    def column(self, given: str) -> Column:
        """Return a field that may be written; raises RecordRefused for any other."""
        found = self.columns.get(given)
        if found is None:
            found = self.columns[given] = self._writable(given)
        return found

    def _writable(self, given: str) -> Column:
        name, field = self.field(given)
        if field.read_only:
            told = f"Unable to create/update fields: {name}. Please check the security settings of this field "
            told += "and verify that it is read/write for your profile or permission set."
            raise RecordRefused("INVALID_FIELD_FOR_INSERT_UPDATE", told, (name,))
        plain = field.length if field.type in PLAIN_TEXTS else -1
        return Column(name, field, make_reader(name, field), field.type is FieldType.REFERENCE, plain)

    def relation(self, given: str) -> tuple[str, FieldDefinition] | None:
        """Return the reference behind a relationship name."""
        return self.relations.get(given.lower())


class Schema:
    """The objects of an org, for one request."""

    def __init__(self, objects: Mapping[str, ObjectDefinition]) -> None:
        self._names = {name.lower(): name for name in objects}
        self._definitions = objects
        self._objects: dict[str, ObjectSchema] = {}

    def object(self, given: str) -> ObjectSchema:
        """Return an object by any spelling of its name; raises RequestRefused (404) for an unknown one."""
        name = self._names.get(given.lower())
        if name is None:
            raise RequestRefused(404, "NOT_FOUND", "The requested resource does not exist")
        if name not in self._objects:
            self._objects[name] = ObjectSchema(name, self._definitions[name])
        return self._objects[name]


def fold(field: FieldDefinition, value: object) -> str:
    """Return a key as it is compared and kept."""
    return assumptions.fold(str(value), case_sensitive=field.case_sensitive)

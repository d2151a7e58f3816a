"""The objects and fields of an org, looked up for one request."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from functools import cached_property

from salesforce_sandbox import assumptions
from salesforce_sandbox.definition.objects import FieldDefinition, FieldType, ObjectDefinition
from salesforce_sandbox.definition.settings import Leniency
from salesforce_sandbox.records.field_values import NUMBERS, PLAIN_TEXTS, Reader, make_reader, reject_null
from salesforce_sandbox.records.rejections import RecordRejected, RequestRejected, no_such_column

_ID = FieldDefinition(type=FieldType.ID)
_MOMENT = FieldDefinition(type=FieldType.DATETIME, read_only=True)
SYSTEM = {
    "CreatedDate": _MOMENT,
    "LastModifiedDate": _MOMENT,
    "SystemModstamp": _MOMENT,
    "IsDeleted": FieldDefinition(type=FieldType.BOOLEAN, read_only=True),
}  # what every object has, derived from the history


@dataclass(frozen=True, slots=True)
class Column:
    """A field with the function that reads its values; texts up to `plain_length` characters are stored unchanged.

    `no_null`: it may not be empty.
    """

    name: str
    field: FieldDefinition
    read: Reader
    refers: bool
    plain_length: int
    no_null: bool

    def check_empty(self) -> None:
        """Raise RecordRejected when the field may not be empty."""
        if self.no_null:
            raise reject_null(self.name, self.field)


class ObjectSchema:
    """An object whose fields are found in any letter case."""

    def __init__(self, name: str, definition: ObjectDefinition, lenient: Container[Leniency]) -> None:
        self.name, self.definition, self.lenient = name, definition, lenient
        # the columns looked up so far, by the spelling used: for new records (True) and for existing ones (False)
        self.columns: dict[bool, dict[str, Column]] = {True: {}, False: {}}

    @property
    def prefix(self) -> str:
        """Return the first three characters of the ids."""
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
        """Return the fields whose values are indexed as keys: unique ones and external ids."""
        return [(name, field) for name, field in self.definition.fields.items() if field.unique or field.external_id]

    @cached_property
    def required(self) -> list[str]:
        """Return the fields that every record needs."""
        return [name for name, field in self.definition.fields.items() if field.required]

    def field(self, given: str) -> tuple[str, FieldDefinition]:
        """Return a field's own name and definition; raises RecordRejected for an unknown or hidden one."""
        found = self.fields.get(given.lower())
        if found is None:
            raise no_such_column(given, self.name)
        return found

    def column(self, given: str, *, new: bool) -> Column:
        """Return a field that may be written to a new record, or to an existing one; raises RecordRejected."""
        found = self.columns[new].get(given)
        if found is None:
            found = self.columns[new][given] = self._writable(given, new=new)
        return found

    def _writable(self, given: str, *, new: bool) -> Column:
        name, field = self.field(given)
        if field.read_only or not (field.createable if new else field.updateable):
            raise not_writable(name)
        return Column(
            name,
            field,
            make_reader(name, field, self.lenient),
            refers=field.type is FieldType.REFERENCE,
            plain_length=field.length if field.type in PLAIN_TEXTS else -1,
            no_null=self._rejects_null(field),
        )

    def _rejects_null(self, field: FieldDefinition) -> bool:
        if field.takes_null or field.required:  # required fields are checked with the whole record
            return False
        return field.type is not FieldType.BOOLEAN or Leniency.NULL_CHECKBOXES not in self.lenient

    def relation(self, given: str) -> tuple[str, FieldDefinition] | None:
        """Return the reference behind a relationship name."""
        return self.relations.get(given.lower())


class Schema:
    """The objects of an org, for one request."""

    def __init__(self, objects: Mapping[str, ObjectDefinition], lenient: Container[Leniency] = ()) -> None:
        self.lenient = lenient
        self._names = {name.lower(): name for name in objects}
        self._definitions = objects
        self._objects: dict[str, ObjectSchema] = {}

    def object(self, given: str) -> ObjectSchema:
        """Return an object by its name in any letter case; raises RequestRejected (404) for an unknown one."""
        name = self._names.get(given.lower())
        if name is None:
            raise RequestRejected(404, "NOT_FOUND", "The requested resource does not exist")
        if name not in self._objects:
            self._objects[name] = ObjectSchema(name, self._definitions[name], self.lenient)
        return self._objects[name]


def fold(field: FieldDefinition, value: object) -> str:
    """Return a key as it is compared and stored: numbers by their value, texts by the field's case sensitivity."""
    if field.type in NUMBERS:
        return _write_number(value)
    return assumptions.fold(str(value), case_sensitive=field.case_sensitive)


def _write_number(value: object) -> str:
    try:
        number = float(str(value))
    except ValueError:
        return str(value)
    return str(int(number)) if number.is_integer() else repr(number)


def not_writable(*names: str) -> RecordRejected:
    """Return the rejection of a record with fields that may not be written."""
    message = f"Unable to create/update fields: {', '.join(names)}. Please check the security settings of this field "
    message += "and verify that it is read/write for your profile or permission set."
    return RecordRejected("INVALID_FIELD_FOR_INSERT_UPDATE", message, names)

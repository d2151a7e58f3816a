"""Saving and deleting records as Salesforce does, in its order: references, required fields, unique keys, rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from salesforce_sandbox import assumptions
from salesforce_sandbox.definition.rule_definition import Rule
from salesforce_sandbox.records.chunk import Chunk
from salesforce_sandbox.records.field_values import WrongType, reject_wrong_type
from salesforce_sandbox.records.finding import RecordFinder, several_found
from salesforce_sandbox.records.record_ids import normalise_id
from salesforce_sandbox.records.rejections import RecordRejected, no_such_column
from salesforce_sandbox.records.rules import NO_OPTIONS, RuleBook, SaveOptions, Scope
from salesforce_sandbox.records.schema import Column, ObjectSchema, Schema, fold
from salesforce_sandbox.records.storage import Record, Save
from salesforce_sandbox.records.triggers import DEPTH, run_triggers

_NOT_FIELDS = frozenset({"attributes", "id"})


class Saved(msgspec.Struct, frozen=True):
    """A saved record."""

    id: str
    created: bool


@dataclass
class Writer:
    """Writes records into a chunk by the schema and the rules of an org."""

    schema: Schema
    rules: RuleBook
    chunk: Chunk
    reject_type: Callable[[str, WrongType], Exception] = reject_wrong_type
    options: SaveOptions = NO_OPTIONS
    finder: RecordFinder = field(init=False)
    depth: int = 0
    _active: dict[str, list[Rule]] = field(default_factory=dict)
    _scopes: dict[tuple[str, int], Scope] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Create the finder, which sees records as the chunk does."""
        self.finder = RecordFinder(self.schema, self.chunk)

    def create(self, entity: ObjectSchema, values: Mapping[str, Any], free_key: str = "") -> Saved:
        """Create a record; no other has its value of `free_key`, so that is not checked."""
        if not entity.definition.createable:
            detail = f"entity type cannot be inserted: {entity.definition.label or entity.name}"
            raise RecordRejected("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", detail)
        return self._save(entity, values, None, free_key)

    def update(self, entity: ObjectSchema, record_id: Any, values: Mapping[str, Any]) -> Saved:
        """Update a record by its id."""
        if not entity.definition.updateable:
            raise RecordRejected("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id")
        return self._save(entity, values, self.finder.find(entity, record_id))

    def upsert(self, entity: ObjectSchema, key_field: str, values: Mapping[str, Any]) -> Saved:
        """Create or update the record with an external id."""
        name, field = entity.field(key_field)
        value = values.get(name)
        if value is None:
            value = next((found for given, found in values.items() if given.lower() == name.lower()), None)
        if name == "Id":
            rest = {key: found for key, found in values.items() if key.lower() != "id"}
            return self.update(entity, value, rest) if value else self.create(entity, rest)
        if value is None or value == "":
            code, message = assumptions.BLANK_EXTERNAL_ID
            raise RecordRejected(code, message.format(field=name), (name,))
        found = self.chunk.find_by_key(entity.name, name, fold(field, value))
        if len(found) > 1:
            raise several_found(name, field, found)
        if not found:
            return self.create(entity, values, free_key=name)
        return self.update(entity, found[0], values)

    def delete(self, record_id: Any) -> str:
        """Move a record to the recycle bin and return its id."""
        normal = normalise_id(record_id)
        if normal is None:
            raise RecordRejected("MALFORMED_ID", f"bad id {record_id}")
        found = self.chunk.find(normal)
        if found is None:
            raise RecordRejected("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        if found.deleted:
            raise RecordRejected(*assumptions.DELETED_AGAIN)
        if not self.schema.object(found.object).definition.deletable:
            raise RecordRejected("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id")
        old = _keys(self.schema.object(found.object), found.fields)
        self.chunk.save(Save(Record(found.id, found.object, found.fields, True), {}, "delete", {}, old))
        return found.id

    def import_record(self, entity: ObjectSchema, values: Mapping[str, Any]) -> str:
        """Store a record without checking rules and rights; an `Id` may be given."""
        record_id = normalise_id(values.get("Id")) or self.chunk.new_id(entity.name, entity.prefix)
        unknown = values.keys() - entity.definition.fields.keys() - {"Id"}
        if unknown:
            raise no_such_column(min(unknown), entity.name)
        if not record_id.startswith(entity.prefix):
            detail = f"{entity.name} ID: id value of incorrect type: {record_id}"
            raise RecordRejected("MALFORMED_ID", detail, ("Id",))
        existing = self.chunk.find(record_id)
        fields = (existing.fields if existing else {}) | {key: value for key, value in values.items() if key != "Id"}
        old = _keys(entity, existing.fields) if existing else None
        record = Record(record_id, entity.name, fields, False)
        self.chunk.save(Save(record, _keys(entity, fields), "import", values, old))
        return record_id

    def know(self, entity: ObjectSchema, key_field: str, records: Iterable[Mapping[str, Any]]) -> None:
        """Read in one batch what saving these records needs, by their ids or the external ids in `key_field`."""
        name, field = entity.field(key_field)
        if name == "Id":
            self.chunk.know([found for record in records if (found := normalise_id(record.get(key_field)))])
            return
        keys = [fold(field, record[key_field]) for record in records if record.get(key_field)]
        self.chunk.know_keys(entity.name, name, keys)

    def _save(self, entity: ObjectSchema, given: Mapping[str, Any], before: Record | None, free_key: str = "") -> Saved:
        written = self._read_all(entity, given, new=before is None)
        rules = self._rules_of(entity)
        if rules and self.options.assign_owner:
            written = written | self._assign_owner(entity, rules, written, before)
        values = {**before.fields, **written} if before else written
        missing = [name for name in entity.required if values.get(name) is None]
        if missing:
            detail = f"Required fields are missing: [{', '.join(missing)}]"
            raise RecordRejected("REQUIRED_FIELD_MISSING", detail, tuple(missing))
        record_id = before.id if before else self.chunk.new_id(entity.name, entity.prefix)
        keys = _keys(entity, values)
        old_keys = _keys(entity, before.fields) if before else None
        changed = keys != old_keys
        if changed:
            self._check_unique(entity, keys, record_id, free_key)
        record = Record(record_id, entity.name, values, False)
        if rules:
            self.rules.check(rules, self._scope(entity, record, before))
        self.chunk.save(Save(record, keys, "update" if before else "create", written, old_keys, changed))
        if rules and self.depth < DEPTH:
            run_triggers(rules, self._scope(entity, record, before), self._write_triggered)
        return Saved(record_id, before is None)

    def _assign_owner(
        self, entity: ObjectSchema, rules: list[Rule], written: Mapping[str, Any], before: Record | None
    ) -> dict[str, Any]:
        """Return the owner that an assignment rule gives a record, or nothing without such a rule."""
        values = {**before.fields, **written} if before else dict(written)
        scope = self._scope(entity, Record(before.id if before else "", entity.name, values, False), before)
        for rule in rules:
            if rule.owner and scope.evaluate(rule, rule.when):
                [owner] = self.chunk.find_by_key("User", "Username", rule.owner.lower())
                return {"OwnerId": owner}
        return {}

    def _write_triggered(self, entity: ObjectSchema, parent_id: str, values: Mapping[str, Any]) -> None:
        self.depth += 1
        try:
            if parent_id:
                self.update(entity, parent_id, values)
            else:
                self.create(entity, values)
        finally:
            self.depth -= 1

    def _rules_of(self, entity: ObjectSchema) -> list[Rule]:
        if entity.name not in self._active:
            self._active[entity.name] = self.rules.active(entity.name)
        return self._active[entity.name]

    def _scope(self, entity: ObjectSchema, record: Record, before: Record | None) -> Scope:
        key = (entity.name, self.depth)
        if key not in self._scopes:
            self._scopes[key] = Scope(self.finder, entity, self.options)
        return self._scopes[key].look_at(record, before)

    def _read_all(self, entity: ObjectSchema, given: Mapping[str, Any], *, new: bool) -> dict[str, Any]:
        written: dict[str, Any] = {}
        columns, column = entity.columns[new], None
        try:
            for given_name, value in given.items():
                column = columns.get(given_name)
                if column is None or value.__class__ is dict:
                    column = self._read_special(entity, given_name, value, written, new=new)
                    if column is None:
                        continue
                if value.__class__ is str and 0 < len(value) <= column.plain_length:
                    written[column.name] = value
                elif value is None or (value == "" and assumptions.EMPTY_TEXT_CLEARS):
                    column.check_empty()
                    written[column.name] = None
                else:
                    stored = written[column.name] = column.read(value)
                    if column.refers:
                        self.finder.check_reference(column.field, stored)
        except WrongType as wrong:
            raise self.reject_type(column.name if column else "", wrong) from None
        return written

    def _read_special(
        self, entity: ObjectSchema, given: str, value: Any, written: dict[str, Any], *, new: bool
    ) -> Column | None:
        """Read a parent into `written`, or return the column of a name that is used for the first time."""
        if given.lower() in _NOT_FIELDS:
            return None
        if isinstance(value, dict):
            name, found = self.finder.find_parent(entity, given, value)
            written[entity.column(name, new=new).name] = found
            return None
        return entity.column(given, new=new)

    def _check_unique(self, entity: ObjectSchema, keys: Mapping[str, str], record_id: str, free_key: str) -> None:
        for name, definition in entity.keys:
            if definition.unique and name in keys and name != free_key:
                found = self.chunk.find_by_key(entity.name, name, keys[name])
                others = [other for other in found if other != record_id]
                if others:
                    detail = f"duplicate value found: {name} duplicates value on record with id: {others[0]}"
                    raise RecordRejected("DUPLICATE_VALUE", detail)


def _keys(entity: ObjectSchema, values: Mapping[str, Any]) -> dict[str, str]:
    return {name: fold(field, values[name]) for name, field in entity.keys if values.get(name) is not None}

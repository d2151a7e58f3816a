"""Saving a chunk of up to 200 records, each saved or rejected; shared by Collections and both Bulk APIs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from salesforce_sandbox.records.rejections import RecordRejected
from salesforce_sandbox.records.schema import ObjectSchema, fold
from salesforce_sandbox.records.writing import Saved, Writer

Result = Saved | RecordRejected


def save_chunk(
    writer: Writer, entity: ObjectSchema, operation: str, key_field: str, records: Sequence[Mapping[str, Any]]
) -> list[Result]:
    """Insert, update, upsert or delete the records of one chunk, in order; the caller's transaction commits it.

    `key_field` is the external id of an upsert and "Id" otherwise. The writes of a rejected record are rolled back.
    """
    rejected: dict[int, RecordRejected] = {}
    if writer.rules.counts(entity.name):
        rejected |= writer.rules.check_request(entity.name, [_with_parents(record) for record in records])
    if operation == "upsert":
        rejected |= _same_keys(entity, key_field, records)
    if operation != "insert":
        writer.know(entity, key_field, records)

    def save(index: int) -> Saved:
        if index in rejected:
            raise rejected[index]
        return _OPERATIONS[operation](writer, entity, key_field, records[index])

    return run_chunk(writer, len(records), save)


def run_chunk(writer: Writer, count: int, save: Callable[[int], Saved]) -> list[Result]:
    """Save `count` records, one after the other; the writes of a rejected one are rolled back."""
    results: list[Result] = []
    for index in range(count):
        mark = writer.chunk.mark()
        try:
            results.append(save(index))
        except RecordRejected as no:
            writer.chunk.take_back(mark)
            results.append(no)
    return results


def _insert(writer: Writer, entity: ObjectSchema, _: str, record: Mapping[str, Any]) -> Saved:
    if any(name.lower() == "id" and value for name, value in record.items()):
        raise RecordRejected("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", ("Id",))
    return writer.create(entity, record)


def _update(writer: Writer, entity: ObjectSchema, _: str, record: Mapping[str, Any]) -> Saved:
    record_id = next((value for name, value in record.items() if name.lower() == "id"), None)
    if not record_id:
        raise RecordRejected("MISSING_ARGUMENT", "Id not specified in an update call", ("Id",))
    return writer.update(entity, record_id, record)


def _upsert(writer: Writer, entity: ObjectSchema, key_field: str, record: Mapping[str, Any]) -> Saved:
    return writer.upsert(entity, key_field, record)


def _delete(writer: Writer, _: ObjectSchema, __: str, record: Mapping[str, Any]) -> Saved:
    return Saved(writer.delete(next((value for name, value in record.items() if name.lower() == "id"), "")), False)


_OPERATIONS: dict[str, Callable[[Writer, ObjectSchema, str, Mapping[str, Any]], Saved]] = {
    "insert": _insert,
    "update": _update,
    "upsert": _upsert,
    "delete": _delete,
    "hardDelete": _delete,
}
OPERATIONS = frozenset(_OPERATIONS)


def _same_keys(entity: ObjectSchema, key_field: str, records: Sequence[Mapping[str, Any]]) -> dict[int, RecordRejected]:
    name, field = entity.field(key_field)
    given = [_get(record, name) for record in records]
    folded = [fold(field, value) if value else None for value in given]
    counts = Counter(folded)
    return {
        index: RecordRejected("DUPLICATE_VALUE", f"Duplicate external id specified: {given[index]}", (name,))
        for index, key in enumerate(folded)
        if key is not None and counts[key] > 1
    }


def _get(record: Mapping[str, Any], name: str) -> Any:
    if name in record:
        return record[name]
    return next((value for given, value in record.items() if given.lower() == name.lower()), None)


def _with_parents(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a record with its parents' external ids as text, so that they can be counted."""
    if not any(value.__class__ is dict for value in record.values()):
        return record
    return {name: _key_of(value) if isinstance(value, dict) else value for name, value in record.items()}


def _key_of(parent: Mapping[str, Any]) -> Any:
    return next((value for name, value in parent.items() if name.lower() != "attributes"), None)

"""sObject Collections: up to 200 records a request, one transaction (salesforce-wire.md section 3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from salesforce_sandbox import assumptions
from salesforce_sandbox.refusals import RecordRefused, RequestRefused
from salesforce_sandbox.writing import Saved, Writer

LIMIT = 200
_ROLLED_BACK = {
    "statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "message": "Record rolled back because not all records were valid and the request was using AllOrNone header",
    "fields": [],
}


class _RolledBack(Exception):  # noqa: N818 - ends the transaction of a request
    pass


def save_collection(writer: Writer, body: Any, *, upsert: tuple[str, str] | None, update: bool) -> list[dict[str, Any]]:
    """Create, update or upsert the records of a request and return a result for each, in order.

    `upsert` is the object and external id field of the URL. Raises RequestRefused for a malformed request.
    """
    records, all_or_none = _read_request(body, upsert)
    refused = _refused_beforehand(writer, records, upsert)

    def save(index: int) -> Saved:
        record = records[index]
        kind = _type_of(record)
        if index in refused:
            raise refused[index]
        if upsert:
            return writer.upsert(upsert[0], upsert[1], record)
        if not update:
            return writer.create(kind, record)
        if not record.get("id"):
            raise RecordRefused("MISSING_ARGUMENT", "Id not specified in an update call", ("Id",))
        return writer.update(kind, record["id"], record)

    return _run(writer, len(records), save, all_or_none=all_or_none, created=upsert is not None)


def delete_collection(writer: Writer, ids: list[str], *, all_or_none: bool) -> list[dict[str, Any]]:
    """Delete records by id and return a result for each, in order."""
    if len(ids) > LIMIT:
        raise _too_many()
    return _run(
        writer, len(ids), lambda index: Saved(writer.delete(ids[index]), False), all_or_none=all_or_none, created=False
    )


def _run(
    writer: Writer, count: int, save: Callable[[int], Saved], *, all_or_none: bool, created: bool
) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = []
    try:
        with writer.storage.transaction():
            results = [_try(writer, save, index, created=created) for index in range(count)]
            if all_or_none and not all(result["success"] for result in results):
                raise _RolledBack
    except _RolledBack:
        return [_roll_back(result, created=created) for result in results]
    return results


def _try(writer: Writer, save: Callable[[int], Saved], index: int, *, created: bool) -> dict[str, Any]:
    try:
        with writer.storage.transaction():
            saved = save(index)
    except RecordRefused as refused:
        return {"success": False, "errors": [refused.as_status()]}
    result: dict[str, Any] = {"id": saved.id, "success": True, "errors": []}
    return result | ({"created": saved.created} if created else {})


def _roll_back(result: dict[str, Any], *, created: bool) -> dict[str, Any]:
    if not result["success"]:
        return result
    rolled_back: dict[str, Any] = {"success": False, "errors": [_ROLLED_BACK]}
    # rolled-back rows of an upsert were seen to carry created:true (salesforce-wire.md section 0)
    return rolled_back | ({"created": True} if created else {})


def _read_request(body: Any, upsert: tuple[str, str] | None) -> tuple[list[dict[str, Any]], bool]:
    if not isinstance(body, dict) or not isinstance(body.get("records"), list):
        raise RequestRefused(400, "JSON_PARSER_ERROR", "The HTTP entity body is required, but this request has none.")
    records = body["records"]
    if len(records) > LIMIT:
        raise _too_many()
    for record in records:
        if not isinstance(record, dict) or not _type_of(record):
            raise RequestRefused(400, "INVALID_INPUT", "Include the type of each record in its attributes.")
    if not upsert and len(_chunks(records)) > 10:
        raise RequestRefused(400, "LIMIT_EXCEEDED", "Cannot have more than 10 chunks in a single operation")
    return records, body.get("allOrNone") is True


def _refused_beforehand(
    writer: Writer, records: list[dict[str, Any]], upsert: tuple[str, str] | None
) -> dict[int, RecordRefused]:
    refused: dict[int, RecordRefused] = {}
    if not records:
        return refused
    name, definition = writer.object(upsert[0] if upsert else _type_of(records[0]))
    refused |= writer.rules.check_request(name, [_with_parents(record) for record in records])
    if upsert:
        field_name, field = _key_field(writer, name, definition, upsert[1])
        refused |= _same_keys(records, field_name, case_sensitive=field.case_sensitive)
        for index, record in enumerate(records):
            if _type_of(record).lower() != name.lower():
                refused[index] = RecordRefused("INVALID_TYPE", f"sObject type '{_type_of(record)}' is not {name}")
    return refused


def _key_field(writer: Writer, name: str, definition: Any, given: str) -> Any:
    try:
        field_name, field = writer.field(name, definition, given)
    except RecordRefused:
        field = None
    if field is None or not (field_name == "Id" or field.external_id):
        told = f"Provided external ID field does not exist or is not accessible: {given}"
        raise RequestRefused(404, "NOT_FOUND", told)
    return field_name, field


def _same_keys(records: list[dict[str, Any]], field: str, *, case_sensitive: bool) -> dict[int, RecordRefused]:
    keys = [
        next((value for name, value in record.items() if name.lower() == field.lower()), None) for record in records
    ]
    folded = [assumptions.fold(str(key), case_sensitive=case_sensitive) if key else None for key in keys]
    counts = Counter(folded)
    return {
        index: RecordRefused("DUPLICATE_VALUE", f"Duplicate external id specified: {keys[index]}", (field,))
        for index, key in enumerate(folded)
        if key is not None and counts[key] > 1
    }


def _with_parents(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record whose parents by external id stand as text, so that they can be counted."""
    return {
        name: next(iter(value.values()), None) if isinstance(value, dict) else value for name, value in record.items()
    }


def _chunks(records: list[dict[str, Any]]) -> list[str]:
    kinds = [_type_of(record) for record in records]
    return [kind for index, kind in enumerate(kinds) if index == 0 or kinds[index - 1] != kind]


def _type_of(record: Mapping[str, Any]) -> str:
    return str((record.get("attributes") or {}).get("type") or "")


def _too_many() -> RequestRefused:
    return RequestRefused(
        400, "EXCEEDED_ID_LIMIT", "record limit reached. cannot submit more than 200 records into this call"
    )

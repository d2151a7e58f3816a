"""sObject Collections: up to 200 records a request, one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from salesforce_sandbox import assumptions
from salesforce_sandbox.records.rejections import RecordRejected, RequestRejected
from salesforce_sandbox.records.saving import Result, run_chunk, save_chunk
from salesforce_sandbox.records.writing import Saved, Writer

LIMIT = 200
_ROLLED_BACK = {
    "statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "message": "Record rolled back because not all records were valid and the request was using AllOrNone header",
    "fields": [],
}
Records = list[dict[str, Any]]


class _RolledBack(Exception):  # noqa: N818 - ends the transaction of a request
    pass


def save_collection(writer: Writer, body: Any, *, update: bool) -> list[dict[str, Any]]:
    """Create or update the records of a request, of several types, and return a result for each, in order."""
    records, all_or_none = _read_request(body)
    runs = _runs(records)
    if len(runs) > 10:
        raise RequestRejected(400, "LIMIT_EXCEEDED", "Cannot have more than 10 chunks in a single operation")
    operation = "update" if update else "insert"

    def save() -> list[Result]:
        results: list[Result] = []
        for run in runs:
            results += save_chunk(writer, writer.schema.object(_type_of(run[0])), operation, "Id", run)
        return results

    return _run(writer, save, all_or_none=all_or_none, created=False)


def upsert_collection(
    writer: Writer, object_name: str, key_field: str, body: Any, locked: Mapping[int, RecordRejected]
) -> list[dict[str, Any]]:
    """Upsert the records of a request, of one type, and return a result for each, in order; `locked` ones are not."""
    records, all_or_none = _read_request(body)
    entity = writer.schema.object(object_name)
    name = check_key_field(writer, object_name, key_field)
    other = {
        index: RecordRejected(assumptions.WRONG_RECORD_TYPE, f"sObject type '{_type_of(record)}' is not {entity.name}")
        for index, record in enumerate(records)
        if _type_of(record).lower() != entity.name.lower()
    } | dict(locked)

    def save() -> list[Result]:
        fitting = [record for index, record in enumerate(records) if index not in other]
        results = iter(save_chunk(writer, entity, "upsert", name, fitting))
        return [other[index] if index in other else next(results) for index in range(len(records))]

    return _run(writer, save, all_or_none=all_or_none, created=True)


def list_records(body: Any) -> list[Any]:
    """Return the records of a request, none for a body that will be rejected."""
    records = body.get("records") if isinstance(body, dict) else None
    return records if isinstance(records, list) else []


def count_types(body: Any) -> Counter[str]:
    """Return how many records of each type a request holds, nothing for a body that will be rejected."""
    return Counter(_type_of(each) for each in list_records(body) if isinstance(each, dict))


def delete_collection(writer: Writer, ids: list[str], *, all_or_none: bool) -> list[dict[str, Any]]:
    """Delete records by id and return a result for each, in order."""
    if len(ids) > LIMIT:
        raise _too_many()

    def save() -> list[Result]:
        return run_chunk(writer, len(ids), lambda index: Saved(writer.delete(ids[index]), False))

    return _run(writer, save, all_or_none=all_or_none, created=False)


def check_key_field(writer: Writer, object_name: str, given: str) -> str:
    """Return the name of a field by which records may be upserted; raises RequestRejected (404) for any other."""
    try:
        name, field = writer.schema.object(object_name).field(given)
    except RecordRejected:
        field = None
    if field is None or not (name == "Id" or field.external_id):
        message = f"Provided external ID field does not exist or is not accessible: {given}"
        raise RequestRejected(404, "NOT_FOUND", message)
    return name


def _run(writer: Writer, save: Callable[[], list[Result]], *, all_or_none: bool, created: bool) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = []
    try:
        with writer.chunk.transaction():
            answers = [_answer(result, created=created) for result in save()]
            if all_or_none and not all(answer["success"] for answer in answers):
                raise _RolledBack
    except _RolledBack:
        return [_roll_back(answer, created=created) for answer in answers]
    return answers


def _answer(result: Result, *, created: bool) -> dict[str, Any]:
    if isinstance(result, RecordRejected):
        return {"success": False, "errors": result.as_statuses()}
    answer: dict[str, Any] = {"id": result.id, "success": True, "errors": []}
    return answer | ({"created": result.created} if created else {})


def _roll_back(answer: dict[str, Any], *, created: bool) -> dict[str, Any]:
    rolled_back = answer if not answer["success"] else {"success": False, "errors": [_ROLLED_BACK]}
    # in recorded answers every row of an upsert that was rolled back has created: true, even the rejected one
    return rolled_back | ({"created": True} if created else {})


def _read_request(body: Any) -> tuple[Records, bool]:
    if not isinstance(body, dict) or not isinstance(body.get("records"), list):
        raise RequestRejected(400, "JSON_PARSER_ERROR", "The HTTP entity body is required, but this request has none.")
    records = body["records"]
    if len(records) > LIMIT:
        raise _too_many()
    for record in records:
        if not isinstance(record, dict) or not _type_of(record):
            raise RequestRejected(400, "INVALID_INPUT", "Include the type of each record in its attributes.")
    return records, body.get("allOrNone") is True


def _runs(records: Records) -> list[Records]:
    runs: list[Records] = []
    for record in records:
        if not runs or _type_of(runs[-1][0]) != _type_of(record):
            runs.append([])
        runs[-1].append(record)
    return runs


def _type_of(record: Mapping[str, Any]) -> str:
    return str((record.get("attributes") or {}).get("type") or "")


def _too_many() -> RequestRejected:
    return RequestRejected(
        400, "EXCEEDED_ID_LIMIT", "record limit reached. cannot submit more than 200 records into this call"
    )

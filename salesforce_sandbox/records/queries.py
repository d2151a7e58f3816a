"""Answering SOQL over the stored records, in pages."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from datetime import datetime
from typing import Any

from salesforce_sandbox.definition.objects import FieldDefinition, FieldType
from salesforce_sandbox.definition.settings import Leniency
from salesforce_sandbox.records import soql
from salesforce_sandbox.records.field_values import NUMBERS
from salesforce_sandbox.records.record_ids import normalise_id
from salesforce_sandbox.records.rejections import RecordRejected, RequestRejected
from salesforce_sandbox.records.schema import ObjectSchema, fold
from salesforce_sandbox.records.storage import Record
from salesforce_sandbox.records.writing import Writer

PAGE = 2000
_MOMENTS = {"createddate", "lastmodifieddate", "systemmodstamp"}
_NUMBERS = dict.fromkeys(NUMBERS, ("double", False))
_LITERALS = _NUMBERS | {
    FieldType.BOOLEAN: ("boolean", False),
    FieldType.DATE: ("date", False),
    FieldType.DATETIME: ("dateTime", False),
}  # the type of a literal by that of its field, and whether it is quoted; all others are quoted strings
OPEN = 100  # queries whose pages are kept


class Cursors:
    """The pages of queries; each may be read again, for example after a lost answer."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[list[dict[str, Any]], int]] = {}
        self._serial = itertools.count(1)

    def clear(self) -> None:
        """Forget every query."""
        self._open.clear()

    def start(self, records: list[dict[str, Any]], size: int, base: str) -> dict[str, Any]:
        """Return the first page of records."""
        if len(records) <= size:
            return {"totalSize": len(records), "done": True, "records": records}
        query = f"01g{next(self._serial):012d}AAA"
        self._open[query] = (records, size)
        for oldest in list(self._open)[:-OPEN]:
            del self._open[oldest]
        return self._page(query, 0, base)

    def resume(self, locator: str, base: str) -> dict[str, Any]:
        """Return the page of a locator, the last part of `nextRecordsUrl`; raises RequestRejected (404)."""
        query, _, start = locator.partition("-")
        if query not in self._open or not start.isdecimal():
            raise RequestRejected(404, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(query, int(start), base)

    def _page(self, query: str, start: int, base: str) -> dict[str, Any]:
        records, size = self._open[query]
        end = start + size
        page: dict[str, Any] = {"totalSize": len(records), "done": end >= len(records), "records": records[start:end]}
        return page if page["done"] else page | {"nextRecordsUrl": f"{base}/query/{query}-{end}"}


def answer_query(
    writer: Writer, cursors: Cursors, text: str, base: str, options: str, *, deleted: bool = False
) -> dict[str, Any]:
    """Return the first page of a query; `options` is the header Sforce-Query-Options."""
    query, entity = _read(writer, text)
    candidates = _candidates(writer, entity, query, deleted=deleted)
    if query.named & _MOMENTS:
        add_moments(writer, candidates)
    rows = query.arrange(candidates)
    if query.counts:
        return {"totalSize": len(rows), "done": True, "records": []}
    spelled = [entity.field(field)[0] for field in query.fields if "." not in field]
    records = [
        {"attributes": _attributes(entity, row["id"], base)} | {field: row.get(field.lower()) for field in spelled}
        for row in rows
    ]
    for path in query.fields:
        if "." in path:
            for record, row in zip(records, rows, strict=True):
                _add_parent(writer, entity, row, record, path, base)
    asked = re.search(r"batchSize=(\d+)", options)
    return cursors.start(records, min(max(int(asked[1]), 200), PAGE) if asked else PAGE, base)


def add_moments(writer: Writer, rows: list[dict[str, Any]]) -> None:
    """Add to rows when they were created and last written."""
    ids = [row["id"] for row in rows]
    moments = writer.chunk.storage.history.moments(min(ids), max(ids)) if ids else {}
    for row in rows:
        created, written = moments[row["id"]]
        row |= {"createddate": created, "lastmodifieddate": written, "systemmodstamp": written}


def describe_columns(writer: Writer, text: str) -> dict[str, Any]:
    """Describe a query's columns, for `&columns=true`."""
    query, entity = _read(writer, text)
    names = [field if "." in field else entity.field(field)[0] for field in query.fields]
    columns = [
        {"aggregate": False, "columnName": name, "custom": name.endswith("__c"), "displayName": name, "joinColumns": []}
        for name in names
    ]
    return {"columnMetadata": columns, "entityName": entity.name, "groupBy": False, "idSelected": False,
            "keyPrefix": entity.definition.prefix}  # fmt: skip


def _read(writer: Writer, text: str) -> tuple[soql.Query, ObjectSchema]:
    query = soql.parse(text)
    try:
        entity = writer.schema.object(query.object)
    except RequestRejected:
        raise soql.unknown_object(query, text) from None
    for field in [*query.fields, *query.filtered, *query.ordered_by]:
        try:
            _find_field(writer, entity, field) if field in query.fields else entity.field(field)
        except RecordRejected:
            raise soql.unknown_field(query, text, field) from None
    return replace(query, conditions=[_check(writer, entity, each) for each in query.conditions]), entity


def _find_field(writer: Writer, entity: ObjectSchema, path: str) -> tuple[str, FieldDefinition]:
    """Return the field at the end of a path over parents; raises RecordRejected."""
    relation, dot, rest = path.partition(".")
    if not dot:
        return entity.field(path)
    reference = entity.relation(relation)
    if reference is None:
        raise RecordRejected("INVALID_FIELD", f"Didn't understand relationship '{relation}' in field path.")
    return _find_field(writer, writer.schema.object(reference[1].to[0]), rest)


def _check(writer: Writer, entity: ObjectSchema, condition: soql.Condition) -> soql.Condition:
    """Return a condition that compares like its field; raises RequestRejected for literals of another type."""
    name, field = entity.field(condition.field)
    wanted, quoted = _LITERALS.get(field.type, ("string", True))
    for kind, value in zip(condition.kinds, condition.values, strict=True):
        lenient = kind == "text" and Leniency.QUOTED_NUMBERS in writer.schema.lenient
        if value is not None and not lenient and _kind_of(kind, value) != wanted:
            advice = "should be enclosed in quotes" if quoted else "should not be enclosed in quotes"
            message = f"value of filter criterion for field '{name}' must be of type {wanted} and {advice}"
            raise RequestRejected(400, "INVALID_FIELD", message)
    if field.type in {FieldType.ID, FieldType.REFERENCE}:
        return replace(condition, values=[normalise_id(value) or value for value in condition.values], exact=True)
    return replace(condition, exact=field.case_sensitive)


def _kind_of(kind: str, value: Any) -> str:
    """Return the type of a literal, named as in `_LITERALS`."""
    if kind == "moment":
        return "dateTime" if isinstance(value, datetime) else "date"
    if isinstance(value, bool):
        return "boolean"
    return {"text": "string", "number": "double"}.get(kind, kind)


def _attributes(entity: ObjectSchema, record_id: str, base: str) -> dict[str, str]:
    return {"type": entity.name, "url": f"{base}/sobjects/{entity.name}/{record_id}"}


def _add_parent(
    writer: Writer, entity: ObjectSchema, row: dict[str, Any], record: dict[str, Any], path: str, base: str
) -> None:
    """Add a field of a parent to a record, below the name of the relationship."""
    relation, _, rest = path.partition(".")
    name, field = entity.relations[relation.lower()]
    found = writer.chunk.find(str(row.get(name.lower()))) if row.get(name.lower()) else None
    if found is None:
        record.setdefault(str(field.relationship), None)
        return
    parent, above = writer.schema.object(found.object), row_of(found)
    nested = record.setdefault(str(field.relationship), {"attributes": _attributes(parent, found.id, base)})
    if "." in rest:
        _add_parent(writer, parent, above, nested, rest, base)
    else:
        nested[parent.field(rest)[0]] = above.get(rest.lower())


def _candidates(writer: Writer, entity: ObjectSchema, query: soql.Query, *, deleted: bool) -> list[dict[str, Any]]:
    """Return the rows that may match, from the key index if the query names an external id."""
    storage = writer.chunk.storage
    for condition in query.conditions:
        name, field = entity.field(condition.field)
        if condition.operator in {"=", "IN"} and field.external_id and not deleted:
            keys = list({fold(field, value) for value in condition.values})
            ids = {each for found in storage.find_by_keys(entity.name, name, keys).values() for each in found}
            records = storage.find_many(sorted(ids))
            return [row_of(record) for record in records.values()]
    return [row_of(record) for record in storage.find_all(entity.prefix, deleted=deleted)]


def row_of(record: Record) -> dict[str, Any]:
    """Return a record with its field names in lower case."""
    row = {"id": record.id, "isdeleted": record.deleted}
    return row | {key.lower(): value for key, value in record.fields.items()}

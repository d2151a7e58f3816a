"""Answering SOQL over the stored records, in pages."""

from __future__ import annotations

import itertools
import re
from typing import Any

from salesforce_sandbox.records import soql
from salesforce_sandbox.records.refusals import RecordRefused, RequestRefused
from salesforce_sandbox.records.schema import ObjectSchema, fold
from salesforce_sandbox.records.storage import Record
from salesforce_sandbox.records.writing import Writer

PAGE = 2000
_MOMENTS = {"createddate", "lastmodifieddate", "systemmodstamp"}
OPEN = 100  # queries whose pages are kept


class Cursors:
    """The pages of queries; each may be read again, as after an answer that was lost."""

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
        """Return the page behind a locator, the last part of `nextRecordsUrl`; raises RequestRefused (404)."""
        query, _, start = locator.partition("-")
        if query not in self._open or not start.isdecimal():
            raise RequestRefused(404, "INVALID_QUERY_LOCATOR", "invalid query locator")
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
    spelled = [entity.field(field)[0] for field in query.fields]
    records = [
        {"attributes": {"type": entity.name, "url": f"{base}/sobjects/{entity.name}/{row['id']}"}}
        | {field: row.get(field.lower()) for field in spelled}
        for row in rows
    ]
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
    """Return what a query's columns are, as `&columns=true` asks."""
    query, entity = _read(writer, text)
    columns = [
        {"aggregate": False, "columnName": entity.field(field)[0], "custom": field.endswith("__c"),
         "displayName": entity.field(field)[0], "joinColumns": []}
        for field in query.fields
    ]  # fmt: skip
    return {"columnMetadata": columns, "entityName": entity.name, "groupBy": False, "idSelected": False,
            "keyPrefix": entity.definition.prefix}  # fmt: skip


def _read(writer: Writer, text: str) -> tuple[soql.Query, ObjectSchema]:
    query = soql.parse(text)
    try:
        entity = writer.schema.object(query.object)
    except RequestRefused:
        raise RequestRefused(400, "INVALID_TYPE", f"sObject type '{query.object}' is not supported.") from None
    for field in [*query.fields, *(field for field, _, _ in query.conditions), *query.ordered_by]:
        try:
            entity.field(field)
        except RecordRefused:
            raise soql.unknown_field(query, text, field) from None
    return query, entity


def _candidates(writer: Writer, entity: ObjectSchema, query: soql.Query, *, deleted: bool) -> list[dict[str, Any]]:
    """Return the rows that may match, by the key index where the query names an external id."""
    storage = writer.chunk.storage
    for given, operator, values in query.conditions:
        name, field = entity.field(given)
        if operator in {"=", "IN"} and field.external_id and not deleted:
            keys = list({fold(field, value) for value in values})
            ids = {each for found in storage.find_by_keys(entity.name, name, keys).values() for each in found}
            records = storage.find_many(sorted(ids))
            return [row_of(record) for record in records.values()]
    return [row_of(record) for record in storage.find_all(entity.prefix, deleted=deleted)]


def row_of(record: Record) -> dict[str, Any]:
    """Return a record with its field names in lower case."""
    row = {"id": record.id, "isdeleted": record.deleted}
    return row | {key.lower(): value for key, value in record.fields.items()}

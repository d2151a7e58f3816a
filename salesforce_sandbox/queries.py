"""Answering SOQL over the stored records, in pages."""

from __future__ import annotations

import itertools
import re
from typing import Any

from salesforce_sandbox import soql
from salesforce_sandbox.refusals import RecordRefused, RequestRefused
from salesforce_sandbox.writing import Writer

PAGE = 2000
_open_queries: dict[str, list[dict[str, Any]]] = {}
_serial = itertools.count(1)


def answer_query(writer: Writer, text: str, base: str, options: str) -> dict[str, Any]:
    """Return the first page of a query; `options` is the header Sforce-Query-Options."""
    query = soql.parse(text)
    try:
        name, definition = writer.object(query.object)
    except RequestRefused:
        raise RequestRefused(400, "INVALID_TYPE", f"sObject type '{query.object}' is not supported.") from None
    named = query.fields + [field for field, _, _ in query.conditions]
    for field in named:
        try:
            writer.field(name, definition, field)
        except RecordRefused:
            raise soql.unknown_field(query, text, field) from None
    rows = query.arrange(_candidates(writer, name, definition, query))
    if query.counts:
        return {"totalSize": len(rows), "done": True, "records": []}
    spelled = [writer.field(name, definition, field)[0] for field in query.fields]
    records = [
        {"attributes": {"type": name, "url": f"{base}/sobjects/{name}/{row['id']}"}}
        | {field: row.get(field.lower()) for field in spelled}
        for row in rows
    ]
    asked = re.search(r"batchSize=(\d+)", options)
    return _page(records, len(records), base, min(max(int(asked[1]), 200), PAGE) if asked else PAGE)


def continue_query(locator: str, base: str) -> dict[str, Any]:
    """Return the next page of a query."""
    if locator not in _open_queries:
        raise RequestRefused(404, "INVALID_QUERY_LOCATOR", "invalid query locator")
    records = _open_queries.pop(locator)
    return _page(records, len(records), base, PAGE)


def _page(records: list[dict[str, Any]], total: int, base: str, size: int) -> dict[str, Any]:
    page: dict[str, Any] = {"totalSize": total, "done": len(records) <= size, "records": records[:size]}
    if not page["done"]:
        locator = f"01g{next(_serial):012d}-{size}"
        _open_queries[locator] = records[size:]
        page["nextRecordsUrl"] = f"{base}/query/{locator}"
    return page


def _candidates(writer: Writer, name: str, definition: Any, query: soql.Query) -> list[dict[str, Any]]:
    """Return the rows that may match, by the key index where the query names an external id."""
    for field, operator, values in query.conditions:
        field_name, field_definition = writer.field(name, definition, field)
        if operator in {"=", "IN"} and field_definition.external_id:
            fold = str if field_definition.case_sensitive else lambda value: str(value).lower()
            ids = {each for value in values for each in writer.storage.find_by_key(name, field_name, fold(value))}
            found = [writer.storage.find(each) for each in sorted(ids)]
            return [_row(record.id, record.fields) for record in found if record is not None]
    return [_row(record.id, record.fields) for record in writer.storage.find_all(name)]


def _row(record_id: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {"id": record_id} | {key.lower(): value for key, value in fields.items()}

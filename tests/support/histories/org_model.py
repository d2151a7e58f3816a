"""A small Salesforce: one object with an external id, Collections, Bulk jobs, and the versions sent to it.

tests/histories/test_org_model.py compares its answers with the sandbox's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

OBJECT, EXTERNAL_ID, BODY = "Account", "Ext__c", "Name"
_ROLLED_BACK = {
    "statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "message": "Record rolled back because not all records were valid and the request was using AllOrNone header",
    "fields": [],
}
_FIXED = {
    "": {"identity": "https://login.example/id/00Dxx0000001gPLEAY/005000000000001AAA"},
    "limits": {"DailyBulkApiBatches": {"Max": 15000, "Remaining": 15000}},
}
Status = dict[str, Any]
Judge = Callable[[str], Status | None]


class Jobs(Protocol):
    """The Bulk jobs of the org."""

    def handle(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """Answer a call below jobs/ingest."""


@dataclass
class OrgRecord:
    """A record that is not deleted."""

    id: str
    external_id: str
    body: str | None


class OrgModel:
    """`judge` returns the error of a body, `saved` and `rejected` are called for each record."""

    def __init__(
        self,
        judge: Judge,
        saved: Callable[[str, str | None], None] = lambda external_id, body: None,
        rejected: Callable[[str, Status], None] = lambda body, status: None,
        *,
        object_name: str = OBJECT,
    ) -> None:
        self.object_name = object_name
        self.judge, self.saved, self.rejected = judge, saved, rejected
        self.jobs: Jobs | None = None
        self.records: dict[str, OrgRecord] = {}  # by external id, as Salesforce compares it
        self._last = 0

    def handle(self, method: str, url: str, body: str | None) -> tuple[int, Any]:
        """Answer a call: the status and the JSON of the body."""
        parts = urlsplit(url)
        path = re.sub(r"^/services/data/v[\d.]+/", "", parts.path)
        asked = parse_qs(parts.query)
        if path.startswith("jobs/ingest") and self.jobs:
            read = body if method == "PUT" or body is None else json.loads(body)
            return self.jobs.handle(method, path.removeprefix("jobs/ingest").lstrip("/"), read)
        if method == "GET" and path in _FIXED:
            return 200, _FIXED[path]
        if method == "GET" and path == f"sobjects/{self.object_name}/describe":
            return 200, describe(self.object_name)
        if method == "GET" and path == "query":
            return 200, self._query(asked["q"][0])
        if method == "PATCH" and path == f"composite/sobjects/{self.object_name}/{EXTERNAL_ID}":
            read = json.loads(body or "")
            return 200, self.upsert(read["records"], all_or_none=read["allOrNone"])
        if method == "DELETE" and path == "composite/sobjects":
            return 200, self.delete(unquote(asked["ids"][0]).split(","), all_or_none=asked["allOrNone"] == ["true"])
        raise AssertionError(f"a call that the model does not know: {method} {url}")

    def upsert(self, records: Sequence[dict[str, Any]], *, all_or_none: bool) -> list[dict[str, Any]]:
        """Upsert records and return a result for each."""
        keys = [str(record[EXTERNAL_ID]).lower() for record in records]
        wrong = [self._wrong(record, keys.count(key)) for record, key in zip(records, keys, strict=True)]
        for record, status in zip(records, wrong, strict=True):
            if status:
                self.rejected(str(record[BODY]), status)
        rolled_back = all_or_none and any(wrong)
        return [
            self._answer(status, key, record, rolled_back=rolled_back)
            for record, key, status in zip(records, keys, wrong, strict=True)
        ]

    def delete(self, ids: Sequence[str], *, all_or_none: bool) -> list[dict[str, Any]]:
        """Delete records by id and return a result for each."""
        by_id = {record.id: key for key, record in self.records.items()}
        wrong = [self._undeletable(by_id.get(each)) for each in ids]
        results = []
        for each, status in zip(ids, wrong, strict=True):
            if status or (all_or_none and any(wrong)):
                results.append({"success": False, "errors": [status or _ROLLED_BACK]})
                continue
            gone = self.records.pop(by_id[each])
            self.saved(gone.external_id, None)
            results.append({"id": each, "success": True, "errors": []})
        return results

    def save(self, key: str, external_id: str, body: str) -> tuple[str, bool]:
        """Create or change a record; returns its id and whether it is new."""
        created = key not in self.records
        if created:
            self._last += 1
            self.records[key] = OrgRecord(f"001{self._last:012d}AAA", external_id, body)
        self.records[key].external_id, self.records[key].body = external_id, body
        self.saved(external_id, body)
        return self.records[key].id, created

    def _answer(self, status: Status | None, key: str, record: dict[str, Any], *, rolled_back: bool) -> dict[str, Any]:
        if rolled_back:
            return {"success": False, "errors": [status or _ROLLED_BACK], "created": True}
        if status:
            return {"success": False, "errors": [status]}
        record_id, created = self.save(key, str(record[EXTERNAL_ID]), str(record[BODY]))
        return {"id": record_id, "success": True, "errors": [], "created": created}

    def _wrong(self, record: dict[str, Any], times: int) -> Status | None:
        if times > 1:
            message = f"Duplicate external id specified: {record[EXTERNAL_ID]}"
            return {"statusCode": "DUPLICATE_VALUE", "message": message, "fields": [EXTERNAL_ID]}
        return self.judge(str(record[BODY]))

    def _undeletable(self, key: str | None) -> Status | None:
        if key is None:
            return {"statusCode": "ENTITY_IS_DELETED", "message": "entity is deleted", "fields": []}
        return None

    def _query(self, soql: str) -> dict[str, Any]:
        wanted = {value.replace("\\'", "'").lower() for value in re.findall(r"'((?:[^'\\]|\\.)*)'", soql)}
        found = [record for key, record in self.records.items() if key in wanted]
        records = [
            {"attributes": {"type": self.object_name}, "Id": record.id, EXTERNAL_ID: record.external_id}
            for record in found
        ]
        return {"totalSize": len(records), "done": True, "records": records}


def describe(object_name: str = OBJECT) -> dict[str, Any]:
    """Return the part of a description that the product reads."""
    common = {"createable": True, "updateable": True, "type": "string", "caseSensitive": False, "idLookup": False,
              "relationshipName": None, "defaultedOnCreate": False}  # fmt: skip
    fields = [
        common | {"name": EXTERNAL_ID, "externalId": True, "unique": True, "length": 64, "nillable": True},
        common | {"name": BODY, "externalId": False, "unique": False, "length": 80, "nillable": False},
    ]
    return {"name": object_name, "createable": True, "updateable": True, "deletable": True, "fields": fields}

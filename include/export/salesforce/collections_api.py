"""The Collections transport: up to 200 records a request, results in request order (salesforce-wire.md section 3)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from include.export.batch import Row
from include.export.failures import SalesforceFailure
from include.export.salesforce.answers import Answer
from include.export.salesforce.client import SalesforceClient
from include.export.salesforce.http_errors import read_list
from include.export.salesforce.write_options import write_headers
from include.export.streams import Stream

ROLLED_BACK = "ALL_OR_NONE_OPERATION_ROLLED_BACK"
NOT_SENT = "CRM_EXPORT_NOT_SENT"  # the record stands behind the rejected one of a request that was divided
# what is to be deleted is not there: gone, in the recycle bin or purged, or of an org that this one was copied from
_DELETED_ALREADY = frozenset({"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "NOT_FOUND"})
_LOOKUP_CHARACTERS = 8_000  # of a query, well below the 16,384 bytes of a URL (salesforce-wire.md section 5.2)


@dataclass(frozen=True)
class Result:
    """Salesforce's answer for one record; `code` is empty for an accepted one.

    `whole_request` says that Salesforce rejected the request that held the record, and not the record by name.
    """

    row: Row
    code: str = ""
    message: str = ""
    fields: tuple[str, ...] = ()
    salesforce_id: str | None = None
    whole_request: bool = False

    @property
    def accepted(self) -> bool:
        """Tell whether Salesforce has the record as it was sent."""
        return not self.code


@dataclass(frozen=True)
class CollectionsRequest:
    """A request as it goes over the wire."""

    method: str
    path: str
    body: str | None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CollectionsTransport:
    """Sends rows of a stream as sObject Collections."""

    stream: Stream
    client: SalesforceClient

    def transmit(self, action: str, rows: Sequence[Row], *, all_or_none: bool, repeated: bool = False) -> list[Result]:
        """Send rows in one request and return a result for each, in the same order.

        `action` is upsert, update or delete; `repeated` says that a request with them was not answered before. Raises
        RequestRejected when the whole request is refused for its content, Unanswered and RequestTooLarge when fewer
        rows may pass, RunFailure when Salesforce does not answer as documented.
        """
        found, absent = self._find_ids(action, rows)
        present = [row for row in rows if row.ordinal not in absent]
        sent = {}
        if present:
            request = self.compose(action, present, found, all_or_none=all_or_none)
            answer = self.client.call(
                request.method, request.path, request.body, divisible=len(rows) > 1, headers=request.headers
            )
            answer = replace(answer, repeated=answer.repeated or repeated)
            sent = {result.row.ordinal: result for result in read_results(present, answer, action)}
        return [sent.get(row.ordinal) or absent[row.ordinal] for row in rows]

    def compose(
        self, action: str, rows: Sequence[Row], ids: Mapping[int, str], *, all_or_none: bool
    ) -> CollectionsRequest:
        """Return the request that sends the rows; `ids` are Salesforce ids by ordinal where the action needs them."""
        flag = "true" if all_or_none else "false"
        if action == "delete":
            listed = ",".join(quote(ids[row.ordinal], safe="") for row in rows)
            path = f"composite/sobjects?ids={listed}&allOrNone={flag}"
            return CollectionsRequest("DELETE", path, None, write_headers(self.stream))
        records = ",".join(self._head(row, ids) + str(row.record) for row in rows)
        body = f'{{"allOrNone":{flag},"records":[{records}]}}'
        path = "composite/sobjects"
        if action == "upsert":
            path += f"/{self.stream.object}/{self.stream.external_id}"
        return CollectionsRequest("PATCH", path, body, write_headers(self.stream))

    def find_ids(self, action: str, rows: Sequence[Row]) -> tuple[dict[int, str], dict[int, Result]]:
        """Return Salesforce ids by ordinal, and results for rows that Salesforce has no record of."""
        return self._find_ids(action, rows)

    def _head(self, row: Row, ids: Mapping[int, str]) -> str:
        kind = json.dumps(self.stream.object)
        identity = f'"id":{json.dumps(ids[row.ordinal])},' if row.ordinal in ids else ""
        return f'{{"attributes":{{"type":{kind}}},{identity}'

    def _find_ids(self, action: str, rows: Sequence[Row]) -> tuple[dict[int, str], dict[int, Result]]:
        if action == "upsert":
            return {}, {}
        if self.stream.external_id == "Id":
            return {row.ordinal: str(row.external_id) for row in rows}, {}
        known = self._query_ids([str(row.external_id) for row in rows])
        ids, absent = {}, {}
        for row in rows:
            found = known.get(str(row.external_id).lower())
            if found:
                ids[row.ordinal] = found
            elif action == "delete":
                absent[row.ordinal] = Result(row)  # Salesforce does not have it, which is what was wanted
            else:
                absent[row.ordinal] = Result(row, code="CRM_EXPORT_RECORD_NOT_FOUND")
        return ids, absent

    def _query_ids(self, external_ids: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for part in _divide(external_ids):
            name = self.stream.external_id
            soql = f"SELECT Id, {name} FROM {self.stream.object} WHERE {name} IN ({','.join(part)})"  # noqa: S608 - SOQL
            answer = self.client.call("GET", f"query?q={quote(soql, safe='')}")
            records = read_list(answer.body, "records", "GET query")
            if answer.body.get("done") is not True:
                raise SalesforceFailure("Salesforce answered only a part of a query of at most 200 records.")
            for record in records:
                values = {name.lower(): value for name, value in record.items()}
                found[str(values[name.lower()]).lower()] = values["id"]
        return found


def _divide(external_ids: Sequence[str]) -> list[list[str]]:
    """Return the ids quoted for SOQL, in parts that fit a URL."""
    parts: list[list[str]] = [[]]
    size = 0
    for external_id in external_ids:
        quoted = "'" + external_id.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"
        size += len(quote(quoted)) + 3
        if size > _LOOKUP_CHARACTERS and parts[-1]:
            parts.append([])
            size = len(quote(quoted))
        parts[-1].append(quoted)
    return parts


def read_results(rows: Sequence[Row], answer: Answer, action: str) -> list[Result]:
    """Return the result of each row of a request; raises SalesforceFailure when one is missing."""
    if not isinstance(answer.body, list) or len(answer.body) != len(rows):
        answered = len(answer.body) if isinstance(answer.body, list) else "no"
        raise SalesforceFailure(
            f"Salesforce answered {answered} of {len(rows)} records of a Collections request. What became of the "
            "others is not known: nothing is acknowledged, and the rows are sent again."
        )
    return [_read_result(row, found, action, answer) for row, found in zip(rows, answer.body, strict=True)]


def _read_result(row: Row, found: Any, action: str, answer: Answer) -> Result:
    if not isinstance(found, dict) or not isinstance(found.get("success"), bool):
        raise SalesforceFailure("Salesforce answered a record of a Collections request without `success`.")
    salesforce_id = found.get("id") or None
    if found["success"]:
        return Result(row, salesforce_id=salesforce_id)
    errors = [error for error in found.get("errors") or [] if isinstance(error, dict) and error.get("statusCode")]
    if not errors:
        raise SalesforceFailure("Salesforce refused a record of a Collections request without a status code.")
    code, message, fields = join_errors(errors)
    if action == "delete" and code in _DELETED_ALREADY:
        return Result(row, salesforce_id=salesforce_id)
    if code == "DUPLICATE_VALUE" and answer.repeated:
        code = "UNABLE_TO_LOCK_ROW"  # the unanswered first try may still be running: the row is tried again
    return Result(row, code, message, fields, salesforce_id)


def join_errors(errors: Sequence[Mapping[str, Any]]) -> tuple[str, str, tuple[str, ...]]:
    """Return code, message and fields of a record's errors: several rules may reject it, and all are to be seen.

    The first code counts; a later message carries its own where it has another one.
    """
    code = str(errors[0]["statusCode"])
    texts = []
    for error in errors:
        own = "" if error["statusCode"] == code else f"{error['statusCode']}: "
        texts.append(own + str(error.get("message") or ""))
    fields = dict.fromkeys(str(name) for error in errors for name in error.get("fields") or ())
    return code, "; ".join(dict.fromkeys(texts)), tuple(fields)

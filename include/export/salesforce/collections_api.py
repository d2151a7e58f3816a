"""The Collections transport: up to 200 records a request, in order (docs/salesforce-behaviour.md#collections)."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from include.export.batch import Row
from include.export.failures import SalesforceFailure
from include.export.salesforce.answers import Answer
from include.export.salesforce.client import SalesforceClient
from include.export.salesforce.object_schema import FieldSchema
from include.export.salesforce.record_lookup import RecordLookup, normalise_id
from include.export.salesforce.write_options import write_headers
from include.export.streams import Operation, Stream

ROLLED_BACK = "ALL_OR_NONE_OPERATION_ROLLED_BACK"
NOT_SENT = "CRM_EXPORT_NOT_SENT"  # the record comes after the rejected one of a request that was divided
# the record to delete does not exist: deleted, purged, or its id is from the org that this one was copied from
_DELETED_ALREADY = frozenset({"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "NOT_FOUND"})


@dataclass(frozen=True)
class Result:
    """Salesforce's answer for one record; `code` is empty if it was accepted.

    `whole_request`: Salesforce rejected the request that held the record, without naming the record.
    """

    row: Row
    code: str = ""
    message: str = ""
    fields: tuple[str, ...] = ()
    salesforce_id: str | None = None
    whole_request: bool = False

    @property
    def accepted(self) -> bool:
        """Return whether Salesforce has the record as it was sent."""
        return not self.code


@dataclass(frozen=True)
class CollectionsRequest:
    """An HTTP request, ready to send."""

    method: str
    path: str
    body: str | None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CollectionsTransport:
    """Sends rows of a stream as sObject Collections; `id_field` is Salesforce's description of the external id."""

    stream: Stream
    client: SalesforceClient
    id_field: FieldSchema

    @property
    def calls_of_a_request(self) -> int:
        """Return how many API calls a request usually takes at most: what is not just upserted is looked up first."""
        upserts = self.stream.operation is Operation.UPSERT and not self.stream.create_only
        return 1 if upserts and self.stream.deleted is None else 2

    def transmit(self, action: str, rows: Sequence[Row], *, all_or_none: bool, repeated: bool = False) -> list[Result]:
        """Send rows in one request and return a result for each, in the same order.

        `action` is upsert, update or delete; `repeated`: an earlier request with these rows was not answered. Raises
        RequestRejected when the whole request is rejected for its content, Unanswered and RequestTooLarge when fewer
        rows may succeed, RunFailure when Salesforce does not answer as documented.
        """
        ids, settled = self.find_ids(action, rows)
        present = [row for row in rows if row.ordinal not in settled]
        if all_or_none and not all(result.accepted for result in settled.values()):
            return [settled.get(row.ordinal) or Result(row, ROLLED_BACK) for row in rows]
        # several rows may delete one record, which is sent once
        first = {ids.get(row.ordinal, row.ordinal): row for row in reversed(present)}
        distinct = [row for row in present if first[ids.get(row.ordinal, row.ordinal)] is row]
        request = self.compose(action, distinct, ids, all_or_none=all_or_none)
        sent = self._transmit(action, distinct, request, repeated=repeated) if distinct else {}
        for row in present:
            sent[row.ordinal] = replace(sent[first[ids.get(row.ordinal, row.ordinal)].ordinal], row=row)
        return [settled.get(row.ordinal) or sent[row.ordinal] for row in rows]

    def _transmit(
        self, action: str, rows: Sequence[Row], request: CollectionsRequest, *, repeated: bool
    ) -> dict[int, Result]:
        answer = self.client.call(
            request.method, request.path, request.body, divisible=len(rows) > 1, headers=request.headers
        )
        answer = replace(answer, repeated=answer.repeated or repeated)
        return {result.row.ordinal: result for result in read_results(rows, answer, action)}

    def compose(
        self, action: str, rows: Sequence[Row], ids: Mapping[int, str], *, all_or_none: bool
    ) -> CollectionsRequest:
        """Return the request that sends the rows; `ids` are Salesforce ids by ordinal, if the action needs them."""
        flag = "true" if all_or_none else "false"
        if action == "delete":
            listed = ",".join(quote(ids[row.ordinal], safe="") for row in rows)
            path = f"composite/sobjects?ids={listed}&allOrNone={flag}"
            return CollectionsRequest("DELETE", path, None, write_headers(self.stream))
        records = ",".join(self._write_record(action, row, ids) for row in rows)
        body = f'{{"allOrNone":{flag},"records":[{records}]}}'
        path = "composite/sobjects"
        if action == "upsert":
            path += f"/{self.stream.object}/{self.stream.external_id}"
        return CollectionsRequest("PATCH", path, body, write_headers(self.stream))

    def find_ids(self, action: str, rows: Sequence[Row]) -> tuple[dict[int, str], dict[int, Result]]:
        """Return Salesforce ids by ordinal, and results for rows that are not sent.

        Such rows have no record in Salesforce, have several, or share theirs with another row: the order of the two
        would be unknown, so neither is sent. Records that an upsert creates have no id yet.
        """
        if action == "upsert" and not self.stream.create_only:
            return {}, {}
        found = self._look_up(rows)
        single = [each[0] for each in found.values() if len(each) == 1]
        shared = set() if action == "delete" else {each for each in single if single.count(each) > 1}
        settled = {row.ordinal: self._judge_found(action, row, found[row.ordinal], shared) for row in rows}
        ids = {ordinal: each[0] for ordinal, each in found.items() if each and settled[ordinal] is None}
        return ids, {ordinal: result for ordinal, result in settled.items() if result is not None}

    def _judge_found(self, action: str, row: Row, found: Sequence[str], shared: Collection[str]) -> Result | None:
        """Return the result of a row that is not sent, given the ids that were found for it; None for one that is."""
        if len(found) > 1:
            return Result(row, code="CRM_EXPORT_DUPLICATE_EXTERNAL_ID")
        if found:
            return Result(row, code="CRM_EXPORT_EXTERNAL_ID_CONFLICT") if found[0] in shared else None
        if self.stream.external_id == "Id":
            return Result(row, code="CRM_EXPORT_MALFORMED_ID")
        if action == "upsert":
            return None
        # a delete succeeds when the record does not exist
        return Result(row) if action == "delete" else Result(row, code="CRM_EXPORT_RECORD_NOT_FOUND")

    def _look_up(self, rows: Sequence[Row]) -> dict[int, Sequence[str]]:
        """Return the ids of the records that have each row's external id."""
        if self.stream.external_id == "Id":
            return {row.ordinal: _read_id(row) for row in rows}
        lookup = RecordLookup(self.stream.object, self.id_field, self.client)
        known = lookup.find(str(row.external_id) for row in rows)
        return {row.ordinal: known.get(lookup.fold(row.external_id), []) for row in rows}

    def _write_record(self, action: str, row: Row, ids: Mapping[int, str]) -> str:
        members = [f'"attributes":{{"type":{json.dumps(self.stream.object)}}}']
        known = ids.get(row.ordinal)
        if action == "update":
            members.append(f'"id":{json.dumps(known)}')
        elif known is None and row.created:
            members.append(row.created)
        body = str(row.record)
        return "{" + ",".join(members) + ("" if body == "}" else ",") + body


def _read_id(row: Row) -> list[str]:
    found = normalise_id(str(row.external_id))
    return [found] if found else []


def read_results(rows: Sequence[Row], answer: Answer, action: str) -> list[Result]:
    """Return the result of each row of a request; raises SalesforceFailure when one is missing."""
    if not isinstance(answer.body, list) or len(answer.body) != len(rows):
        answered = len(answer.body) if isinstance(answer.body, list) else "no"
        raise SalesforceFailure(
            f"Salesforce returned {answered} results for {len(rows)} records of a Collections request. It is unknown "
            "what happened to the others: nothing is acknowledged, and the rows are sent again."
        )
    return [_read_result(row, found, action, answer) for row, found in zip(rows, answer.body, strict=True)]


def _read_result(row: Row, found: Any, action: str, answer: Answer) -> Result:
    if not isinstance(found, dict) or not isinstance(found.get("success"), bool):
        raise SalesforceFailure("Salesforce returned a result of a Collections request without `success`.")
    salesforce_id = found.get("id") or None
    if found["success"]:
        return Result(row, salesforce_id=salesforce_id)
    errors = [error for error in found.get("errors") or [] if isinstance(error, dict) and error.get("statusCode")]
    if not errors:
        raise SalesforceFailure("Salesforce rejected a record of a Collections request without a status code.")
    code, message, fields = join_errors(errors)
    if action == "delete" and code in _DELETED_ALREADY:
        return Result(row, salesforce_id=salesforce_id)
    if code == "DUPLICATE_VALUE" and answer.repeated:
        code = "UNABLE_TO_LOCK_ROW"  # the unanswered first attempt may still be running: the row is retried
    return Result(row, code, message, fields, salesforce_id)


def join_errors(errors: Sequence[Mapping[str, Any]]) -> tuple[str, str, tuple[str, ...]]:
    """Return code, message and fields of a record's errors: several rules may reject it, and all are shown.

    The code is that of the first error; a later message is prefixed with its own code if it differs.
    """
    code = str(errors[0]["statusCode"])
    texts = []
    for error in errors:
        own = "" if error["statusCode"] == code else f"{error['statusCode']}: "
        texts.append(own + str(error.get("message") or ""))
    fields = dict.fromkeys(str(name) for error in errors for name in error.get("fields") or ())
    return code, "; ".join(dict.fromkeys(texts)), tuple(fields)

"""The external ids of an org's records, listed into a temporary table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import psycopg

from include.export.failures import SalesforceFailure
from include.export.record_sql import ExternalIdForm
from include.export.salesforce import Answer, SalesforceClient
from include.export.source import ListedRecords, Source
from include.export.streams import Stream

RECORDS_OF_A_PAGE = 2_000  # of a query
_NEXT = re.compile(r"/services/data/v[0-9.]+/(query/[A-Za-z0-9-]+)")  # a path in the same org, never another address


@dataclass(frozen=True)
class Listing:
    """The records of a stream's object in Salesforce, listed through one connection; nothing is written to the org."""

    stream: Stream
    connection: psycopg.Connection
    client: SalesforceClient

    def count(self, since: str | None = None) -> int:
        """Return how many records have an external id; with `since`, only those changed since that time."""
        answer = self._query(f"SELECT COUNT() FROM {self.stream.object} WHERE {self._condition(since)}")  # noqa: S608 - SOQL
        return int(answer.body["totalSize"])

    def fetch(self, since: str | None = None) -> int:
        """Write the records to the temporary table and return how many there are."""
        name = self.stream.external_id
        fields = "Id" if name == "Id" else f"Id, {name}"
        soql = f"SELECT {fields} FROM {self.stream.object} WHERE {self._condition(since)}"  # noqa: S608 - SOQL
        table, listed = ListedRecords(self.connection), 0
        table.clear()
        for records in self._pages(soql):
            lowered = [{key.lower(): value for key, value in record.items()} for record in records]
            table.add((str(record[name.lower()]), record["id"]) for record in lowered)
            listed += len(records)
        return listed

    def find_without_source(self, source: Source, identity: ExternalIdForm) -> list[tuple[str, str]]:
        """Return external id and Salesforce id of the listed records without a source row."""
        return ListedRecords(self.connection).find_without_source(source, identity)

    def find_keys(self, source: Source, identity: ExternalIdForm) -> list[str]:
        """Return the keys of the listed records' source rows."""
        return ListedRecords(self.connection).find_keys(source, identity)

    def _condition(self, since: str | None) -> str:
        known = f"{self.stream.external_id} != null"
        return f"{known} AND SystemModstamp >= {since}" if since else known

    def _pages(self, soql: str) -> Iterator[list[dict[str, Any]]]:
        answer = self._query(soql)
        while True:
            yield answer.body["records"]
            following = answer.body.get("nextRecordsUrl")
            if not following:
                return
            found = _NEXT.fullmatch(str(following))
            if found is None:
                raise SalesforceFailure("Salesforce answered a query with a next page that is not a path in the org.")
            answer = self.client.call("GET", found[1])

    def _query(self, soql: str) -> Answer:
        answer = self.client.call("GET", f"query?q={quote(soql, safe='')}")
        if not isinstance(answer.body, dict) or "records" not in answer.body:
            raise SalesforceFailure("Salesforce answered a query without records.")
        return answer

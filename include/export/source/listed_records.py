"""The session's table crm_export_listed: the records that Salesforce lists, compared with the source."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import psycopg

from include.export.record_sql import ExternalIdForm
from include.export.source.comparison_sql import SourceChecks
from include.export.source.source import Source
from include.sql import load_statement


@dataclass(frozen=True)
class ListedRecords:
    """The table, at one connection."""

    connection: psycopg.Connection

    def clear(self) -> None:
        """Create the table, or replace it with an empty one."""
        self.connection.execute(load_statement("source/listed_drop"))
        self.connection.execute(load_statement("source/listed_table"))

    def add(self, records: Iterable[tuple[str, str]]) -> None:
        """Add records: external id and Salesforce id."""
        with self.connection.cursor() as cursor, cursor.copy(load_statement("source/listed_copy")) as rows:
            for record in records:
                rows.write_row(record)

    def find_without_source(self, source: Source, identity: ExternalIdForm) -> list[tuple[str, str]]:
        """Return external id and Salesforce id of the listed records without a source row."""
        return self.connection.execute(SourceChecks(source).listed("source/listed_without_source", identity)).fetchall()

    def find_keys(self, source: Source, identity: ExternalIdForm) -> list[str]:
        """Return the keys of the source rows of the listed records."""
        statement = SourceChecks(source).listed("source/listed_keys", identity)
        return [key for (key,) in self.connection.execute(statement)]

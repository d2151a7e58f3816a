"""The condition of external ids that Salesforce may match to a record of another text."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from psycopg import sql

from include.export.record_sql import ExternalIdForm
from include.export.record_sql.column_sql import Column
from include.export.salesforce import FieldSchema

BLANKS = " \t\n\r\f\v"
ENDS = [f"{before}key{after}" for blank in BLANKS for before, after in ((blank, ""), ("", blank))]


def make_field() -> FieldSchema:
    """Return a case-sensitive external id field."""
    return FieldSchema("Ext__c", "string", createable=True, updateable=True, identifies=True, case_sensitive=True)


@pytest.mark.parametrize("text", [*ENDS, "é ", " é", "", " "])
def test_a_blank_at_either_end_may_be_folded(text: str, connect: Callable[..., psycopg.Connection]) -> None:
    assert may_be_folded(text, connect())


@pytest.mark.parametrize("text", ["key", "two words", "a\tb", "é", "naïve é", "💡", "!", "a\\", "a\\x41"])
def test_other_texts_are_not(text: str, connect: Callable[..., psycopg.Connection]) -> None:
    assert not may_be_folded(text, connect())


def may_be_folded(text: str, connection: psycopg.Connection) -> bool:
    """Return the condition for a text."""
    condition = ExternalIdForm(Column("ext", "text", "S"), make_field()).may_be_folded
    connection.execute("create temporary table s (ext text)")
    connection.execute("insert into s values (%s)", [text])
    row = connection.execute(sql.SQL("select {} from s").format(condition)).fetchone()
    assert row is not None
    return bool(row[0])

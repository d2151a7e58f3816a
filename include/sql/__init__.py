"""Loads the exporter's SQL: one statement per file under include/sql."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any, TypeVar

import psycopg
from psycopg import errors, sql

SQL_FOLDER = Path(__file__).resolve().parent
_Record = TypeVar("_Record")


@cache
def load_statement(name: str) -> sql.SQL:
    """Return the statement of include/sql/<name>.sql, ready for `.format(...)` or execution."""
    return sql.SQL((SQL_FOLDER / f"{name}.sql").read_text(encoding="utf-8"))


@cache
def list_parts(name: str) -> frozenset[str]:
    """Return the names of the parts that the statement of include/sql/<name>.sql is composed of."""
    pieces = Formatter().parse(load_statement(name).as_string(None))
    return frozenset(part for _, part, _, _ in pieces if part)


def fetch_one(executed: psycopg.Cursor[_Record]) -> _Record:
    """Return the row of a statement that always has one; raises psycopg.errors.NoDataFound when it has none."""
    row = executed.fetchone()
    if row is None:
        raise errors.NoDataFound(f"A statement that always returns a row returned none ({executed.statusmessage})")
    return row


def fetch_value(executed: psycopg.Cursor[Any]) -> Any:
    """Return the first column of the row of a statement that always has one; raises psycopg.errors.NoDataFound."""
    return fetch_one(executed)[0]


def pin_index_plans(connection: psycopg.Connection) -> None:
    """Make the open transaction use index scans: otherwise reading a window may scan a large table completely."""
    connection.execute(load_statement("source/plan_by_index"))

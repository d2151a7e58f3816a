"""The SQL of the exporter, one statement a file under include/sql."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from psycopg import sql

SQL_FOLDER = Path(__file__).resolve().parent


@cache
def load_statement(name: str) -> sql.SQL:
    """Return the statement of include/sql/<name>.sql, ready for `.format(...)` or execution."""
    return sql.SQL((SQL_FOLDER / f"{name}.sql").read_text(encoding="utf-8"))

"""Names the product's statements by the comment in their first line."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from psycopg import sql

from include.sql import SQL_FOLDER

_WRITES = re.compile(r"(?<!for )\b(insert into|update|delete from)\b")


@cache
def _texts() -> dict[str, str]:
    return {path.stem: path.read_text(encoding="utf-8") for path in SQL_FOLDER.rglob("*.sql")}


@cache
def _names() -> dict[str, str]:
    return {text.split("\n", 1)[0]: name for name, text in _texts().items()}


@cache
def writes(name: str) -> bool:
    """Return whether a statement of the product writes."""
    return bool(_WRITES.search(_texts().get(name, "")))


def name_statement(query: Any) -> str:
    """Return the name of a statement, composed or not; its text when it is in none of the product's files."""
    while isinstance(query, sql.Composed) and query._obj:
        query = query._obj[0]
    text = query._obj if isinstance(query, sql.SQL) else str(query)
    return _names().get(text.split("\n", 1)[0], text[:40])

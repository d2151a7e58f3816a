"""CSV for people: RFC 4180, and nothing in it that a spreadsheet would run as a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import astuple, fields
from datetime import datetime
from typing import Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
CHUNK = 64 * 1024  # characters


def write_csv(kind: type[Any], rows: Iterable[Any]) -> Iterator[str]:
    """Return the text of a CSV file in pieces: a line of names, and one for each dataclass instance of `kind`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    writer.writerow([field.name for field in fields(kind)])
    for row in rows:
        writer.writerow([_show(value) for value in astuple(row)])
        if text.tell() > CHUNK:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def _show(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return defuse(", ".join(value) if isinstance(value, list) else str(value or ""))


def defuse(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula, whatever quotes and spaces it begins with."""
    return f"'{text}" if text.lstrip(" '\"\n").startswith(_FORMULA) or text.startswith(_FORMULA) else text

"""CSV downloads: RFC 4180, with nothing that a spreadsheet would run as a formula."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import astuple, fields
from datetime import datetime
from typing import Any

_FORMULA = frozenset("=+-@−")  # in ASCII; look-alikes are normalized to these
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
    """Return the text such that no spreadsheet runs it as a formula, even one that begins with look-alikes."""
    if not text or (text[0].isascii() and text[0].isalnum()):
        return text
    # NFKC turns full-width and small forms into ASCII; spaces, quotes and unprintable characters are skipped
    plain = (sign for sign in unicodedata.normalize("NFKC", text) if not _is_skipped(sign))
    return f"'{text}" if text[0] in "\t\r\n" or next(plain, "") in _FORMULA else text


def _is_skipped(sign: str) -> bool:
    return sign in "'\"`´‘’“”" or unicodedata.category(sign)[0] in "ZC" or unicodedata.combining(sign) > 0

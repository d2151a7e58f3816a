"""Looks up records by their external ids with SOQL, comparing values as Salesforce does for the field's type."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import starmap
from typing import Any
from urllib.parse import quote

from include.export.failures import SalesforceFailure
from include.export.salesforce.client import SalesforceClient
from include.export.salesforce.http_errors import read_list
from include.export.salesforce.object_schema import FieldSchema

QUERY_LIMIT = 12_000  # bytes of a query in a URL, which may have 16,384 in all
_NUMBERS = frozenset({"int", "long", "double", "currency", "percent"})
_BLANKS = " \t\n\r\f\v"
_ESCAPES = {"\\": "\\\\", "'": "\\'", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
_ID = re.compile(r"([A-Za-z0-9]{5})([A-Za-z0-9]{5})([A-Za-z0-9]{5})([A-Za-z0-5]{3})?")
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


@dataclass(frozen=True)
class RecordLookup:
    """Finds the records of an object by the values of a field."""

    object: str
    field: FieldSchema
    client: SalesforceClient

    def find(self, external_ids: Iterable[str]) -> dict[Hashable, list[str]]:
        """Return the Salesforce ids of the records that have the values, by folded value (`fold`).

        A value that the field cannot hold is not queried. Raises RunFailure when Salesforce does not answer.
        """
        literals = {self.fold(each): self._write_literal(each) for each in external_ids}
        found: dict[Hashable, list[str]] = {}
        for part in divide_literals([literal for literal in literals.values() if literal is not None]):
            for record in self._query(part):
                values = {name.lower(): value for name, value in record.items()}
                ids = found.setdefault(self.fold(values[self.field.name.lower()]), [])
                if values["id"] not in ids:
                    ids.append(values["id"])
        return found

    def fold(self, value: Any) -> Hashable:
        """Return a value as Salesforce compares it: numbers by value, texts trimmed and maybe in lower case."""
        if self.field.type in _NUMBERS:
            number = _read_number(value)
            return str(value).strip(_BLANKS) if number is None else number
        text = str(value).strip(_BLANKS)
        return text if self.field.case_sensitive else text.lower()

    def _write_literal(self, value: str) -> str | None:
        if self.field.type in _NUMBERS:
            number = _read_number(value)
            return None if number is None else f"{number:f}"
        return quote_text(value.strip(_BLANKS))

    def _query(self, literals: Sequence[str]) -> list[dict[str, Any]]:
        name = self.field.name
        soql = f"SELECT Id, {name} FROM {self.object} WHERE {name} IN ({','.join(literals)})"  # noqa: S608 - SOQL
        answer = self.client.call("GET", f"query?q={quote(soql, safe='')}")
        records = read_list(answer.body, "records", "GET query")
        if answer.body.get("done") is True:
            return records
        if len(literals) == 1 and len(records) > 1:
            return records  # the caller only needs to know that there are several
        if len(literals) == 1:
            raise SalesforceFailure("Salesforce returned only part of the answer to a query for one external id.")
        middle = len(literals) // 2
        return [*self._query(literals[:middle]), *self._query(literals[middle:])]


def divide_literals(literals: Sequence[str], limit: int = QUERY_LIMIT) -> list[list[str]]:
    """Divide SOQL literals into parts whose percent-encoded text stays below a limit in bytes."""
    parts: list[list[str]] = []
    size = 0
    for literal in literals:
        length = len(quote(literal, safe="")) + len("%2C")
        if not parts or size + length > limit:
            parts.append([])
            size = 0
        parts[-1].append(literal)
        size += length
    return parts


def quote_text(text: str) -> str:
    """Return a text as a SOQL literal."""
    return "'" + "".join(_ESCAPES.get(each) or _escape(each) for each in text) + "'"


def normalise_id(value: str) -> str | None:
    """Return a record's 18-character id; None for a text that is not an id by its form or check digits."""
    found = _ID.fullmatch(value)
    if found is None:
        return None
    chunks, given = found.group(1, 2, 3), found[4]
    if given is None:
        return "".join(chunks) + "".join(map(_check_digit, chunks))
    restored = list(starmap(_restore_case, zip(chunks, given.upper(), strict=True)))
    return "".join(restored) + given.upper() if all(restored) else None


def _check_digit(chunk: str) -> str:
    return _SUFFIX[sum(1 << place for place, each in enumerate(chunk) if "A" <= each <= "Z")]


def _restore_case(chunk: str, digit: str) -> str:
    """Return a chunk with the capitals that its check digit encodes; empty if one of them is not a letter."""
    bits = _SUFFIX.index(digit)
    if any(bits >> place & 1 and not each.isalpha() for place, each in enumerate(chunk)):
        return ""
    return "".join(each.upper() if bits >> place & 1 else each.lower() for place, each in enumerate(chunk))


def _escape(character: str) -> str:
    return f"\\u{ord(character):04x}" if character < " " or character == "\x7f" else character


def _read_number(value: Any) -> Decimal | None:
    try:
        number = Decimal(str(value).strip(_BLANKS))
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number.adjusted()) > 40:
        return None
    return number.normalize() if number else Decimal(0)

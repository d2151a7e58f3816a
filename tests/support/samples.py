"""Rows of random values, and the values that Salesforce must have: a second implementation of the rules, in Python."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import psycopg

from include.export.streams.stream import Stream

STREAM = {
    "name": "samples",
    "source": "app.samples",
    "key": "id",
    "cursor": "changed_at",
    "object": "Sample__c",
    "external_id": "Ext__c",
    "operation": "upsert",
    "fields": {
        "Ext__c": "ext",
        "Text__c": "text",
        "Long__c": "long",
        "Number__c": "number",
        "Money__c": "real",
        "Whole__c": "whole",
        "Flag__c": "flag",
        "Day__c": "day",
        "Moment__c": "moment",
        "Start_Of_Day__c": "day",
        "Day_Of_Moment__c": "moment",
        "Number_As_Text__c": "number",
        "Moment_As_Text__c": "moment",
        "Flag_As_Text__c": "flag",
    },
}
TABLE = """
create table app.samples (
    id bigint primary key, ext text, text varchar, long text, number numeric, "real" double precision, whole integer,
    flag boolean, day date, moment timestamptz, changed_at timestamptz not null);
create index on app.samples (changed_at, id);
"""
COLUMNS = ("text", "long", "number", "real", "whole", "flag", "day", "moment")
_PIECES = (
    *"aB7 \t\n\r,;\"'\\|^`=+-@", "  ", "\r\n", '""', "\\n", "#N/A", "null", "NULL", "\\N", "\\.", "\u00e9", "e\u0301",
    "漢字", "😀", "👨\u200d👩\u200d👧", "שלום", "\u202e", "\u200b", "\ufeff", "\u2028", "\x01", "\x0b", "\x1b[31m",
    "\x7f", "\x85", "<b>", "&amp;", "::group::", "$1", "%s", "%(x)s", "{}", "{{x}}", "\ufffd", "\U0010ffff",
)  # fmt: skip
_WHOLE_TEXTS = (
    *("", "#N/A", "NULL", " ", "\n", '"', ",", "\\.", "0", "false", "=cmd()", "\ufeff", "#n/a", " #N/A"),
    *("x" * 250, "漢" * 250),
)
_NUMBERS = (
    *("0", "-0", "1", "-1.50", "0.1", "1e-7", "123456789012345.678", "99999999999999999", "1000000000000000000"),
    *("1e5", "3.00", "1234567890123456789012345678", "1e400", "-1e309", "NaN", "Infinity", "-Infinity"),
)
_REALS = (
    "0",
    "-0",
    "0.1",
    "1e22",
    "1.5e-10",
    "123456.789",
    "4.9e-324",
    "1e17",
    "NaN",
    "Infinity",
    "-Infinity",
    "1.7e308",
)
_DAYS = (
    *("2024-02-29", "1700-01-01", "1699-12-31", "4000-12-31", "4001-01-01", "infinity", "-infinity", "0044-03-15 BC"),
    *("1970-01-01", "2025-10-26"),
)
_MOMENTS = (
    *("2025-10-26 00:30:00Z", "2025-10-26 02:30:00 Europe/Berlin", "2025-03-30 01:59:59.999999Z"),
    *("2024-02-29 23:59:59.9Z", "1700-01-01 00:00:00Z", "1699-12-31 23:59:59Z", "4000-12-31 23:59:59Z"),
    *("4001-01-01 00:00:00Z", "infinity", "-infinity", "0044-03-15 12:00:00Z BC", "2026-01-01 00:00:00.000001Z"),
    *("1969-12-31 23:59:59.9996Z",),
)


def make_stream(**changes: Any) -> Stream:
    """Return the stream of the samples, with changed options."""
    return Stream(**(STREAM | changes))


@dataclass
class Samples:
    """Creates rows of random values, the same for the same seed."""

    chance: random.Random

    def fill(self, connection: psycopg.Connection, first: int, last: int) -> None:
        """Insert rows numbered first to last."""
        with connection.cursor() as cursor:
            cursor.executemany(
                f"insert into app.samples (id, ext, changed_at, {', '.join(_quoted())})"
                f" values (%s, %s, '2026-01-01Z'::timestamptz + %s * interval '1 second', {_PLACES})",
                [(number, f"S{number}", number, *self.row()) for number in range(first, last + 1)],
            )

    def change(self, connection: psycopg.Connection, rows: int) -> None:
        """Give every third of the first rows new values, at a later time."""
        assigned = ", ".join(
            f"{column} = {place}" for column, place in zip(_quoted(), _PLACES.split(", "), strict=True)
        )
        with connection.cursor() as cursor:
            cursor.executemany(
                f"update app.samples set {assigned}, changed_at = changed_at + interval '90 days' where id = %s",
                [(*self.row(), number) for number in range(1, rows + 1, 3)],
            )

    def row(self) -> tuple[str | None, ...]:
        """Return the values of a row as Postgres reads them."""
        numbers, reals = self._one(_NUMBERS, self.number), self._one(_REALS, self.number)
        days, moments = self._one(_DAYS, self.day), self._one(_MOMENTS, self.moment)
        makers = (self.text, self.long, numbers, reals, self.whole, self.flag, days, moments)
        return tuple(None if self.chance.random() < 0.15 else make() for make in makers)

    def text(self) -> str:
        if self.chance.random() < 0.2:
            return self.chance.choice(_WHOLE_TEXTS)
        return "".join(self.chance.choices(_PIECES, k=self.chance.randint(0, 12)))[:250]

    def long(self) -> str:
        if self.chance.random() < 0.002:
            return "x" * self.chance.choice((32_000, 131_072, 131_073))
        return "".join(self.chance.choices(_PIECES, k=self.chance.randint(0, 40)))

    def number(self) -> str:
        digits = self.chance.randint(1, 15)
        return f"{self.chance.randint(-(10**digits), 10**digits)}.{self.chance.randint(0, 999):03d}"

    def whole(self) -> str:
        return str(self.chance.randint(-(2**31), 2**31 - 1))

    def flag(self) -> str:
        return self.chance.choice(("true", "false"))

    def day(self) -> str:
        return (
            f"{self.chance.randint(1700, 4000):04d}-{self.chance.randint(1, 12):02d}-{self.chance.randint(1, 28):02d}"
        )

    def moment(self) -> str:
        clock = f"{self.chance.randint(0, 23):02d}:{self.chance.randint(0, 59):02d}:{self.chance.randint(0, 59):02d}"
        return f"{self.day()} {clock}.{self.chance.randint(0, 999999):06d}+02"

    def _one(self, hazards: tuple[str, ...], usual: Any) -> Any:
        return lambda: self.chance.choice(hazards) if self.chance.random() < 0.05 else usual()


_PLACES = ", ".join(
    f"%s::{kind}" for kind in ("varchar", "text", "numeric", "float8", "int", "boolean", "date", "timestamptz")
)


def _quoted() -> list[str]:
    return [f'"{column}"' for column in COLUMNS]


def read_rows(connection: psycopg.Connection) -> dict[str, dict[str, str | None]]:
    """Return the values in Postgres, as text, by external id."""
    listed = ", ".join(f"{column}::text" for column in _quoted())
    rows = connection.execute(f"select ext, {listed} from app.samples").fetchall()
    return {ext: dict(zip(COLUMNS, values, strict=True)) for ext, *values in rows}


def find_rejection(row: dict[str, str | None]) -> str | None:
    """Return the code with which a row must be rejected, None when it must be accepted."""
    if len(row["long"] or "") > 131_072:
        return "CRM_EXPORT_VALUE_TOO_LONG"
    numbers = [Decimal(row[column] or "0") for column in ("number", "real")]
    if not all(number.is_finite() and abs(number) <= Decimal("1e300") for number in numbers):
        return "CRM_EXPORT_VALUE_NOT_SENDABLE"
    if not all(row[column] is None or _is_between(str(row[column])) for column in ("day", "moment")):
        return "CRM_EXPORT_VALUE_NOT_SENDABLE"
    if any(abs(number) >= Decimal(10) ** 18 for number in numbers):
        return "NUMBER_OUTSIDE_VALID_RANGE"  # rejected by Salesforce itself
    return None


def expect(row: dict[str, str | None]) -> dict[str, Any]:
    """Return the field values that Salesforce must have for a row."""
    moment = _moment(row["moment"])
    return {
        "Text__c": row["text"] or None,
        "Long__c": row["long"] or None,
        "Number__c": None if row["number"] is None else float(row["number"]),
        "Money__c": None if row["real"] is None else float(row["real"]),
        "Whole__c": None if row["whole"] is None else int(row["whole"]),
        "Flag__c": row["flag"] == "true",  # a checkbox has no third state
        "Day__c": row["day"],
        "Moment__c": moment,
        "Start_Of_Day__c": None if row["day"] is None else datetime.fromisoformat(f"{row['day']}T00:00:00Z"),
        "Day_Of_Moment__c": None if moment is None else f"{moment:%Y-%m-%d}".zfill(10),
        "Number_As_Text__c": row["number"],
        "Moment_As_Text__c": moment,
        "Flag_As_Text__c": row["flag"],
    }


def read_record(fields: dict[str, Any]) -> dict[str, Any]:
    """Return a record of the org in the form of `expect`."""
    moments = ("Moment__c", "Start_Of_Day__c", "Moment_As_Text__c")
    known = {name: fields.get(name) for name in STREAM["fields"] if name != "Ext__c"}  # type: ignore[attr-defined]
    return known | {name: _moment(known[name]) for name in moments}


def _is_between(text: str) -> bool:
    return text[0].isdigit() and not text.endswith("BC") and text[4] == "-" and "1700" <= text[:4] <= "4000"


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    found = datetime.fromisoformat(text).astimezone(UTC)
    return found.replace(microsecond=found.microsecond // 1000 * 1000)

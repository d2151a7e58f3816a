"""The column types that each field type accepts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from include.export.record_sql import NUMBERS

_SALESFORCE_NUMBERS = frozenset({"int", "double", "currency", "percent", "long"})
_REFERENCES = frozenset({"reference", "id"})
_TIMES = frozenset({"date", "timestamp with time zone"})
_TAKES = {
    "boolean": (frozenset({"boolean"}), "boolean"),
    "date": (_TIMES, "date or timestamptz"),
    "datetime": (_TIMES, "timestamptz or date"),
    **dict.fromkeys(_SALESFORCE_NUMBERS, (NUMBERS, "numeric or integer")),
    **{name: (frozenset[str](), "text") for name in _REFERENCES},
}


@dataclass(frozen=True)
class Misfit:
    """A column type that a field rejects: for certain, or only if texts are not in Salesforce's format."""

    is_certain: bool
    advice: str


class ColumnType(Protocol):
    """A column's type in Postgres's spelling, and whether its values are text."""

    @property
    def type(self) -> str:
        """Return the type as Postgres writes it."""

    @property
    def is_text(self) -> bool:
        """Return whether the values are text."""


def explain_misfit(column: ColumnType, field_type: str) -> Misfit | None:
    """Return why values of a column do not fit a field, None if they do. Text fields accept every value."""
    if field_type not in _TAKES:
        return None
    taken, cast = _TAKES[field_type]
    if column.type in taken or (column.is_text and field_type in _REFERENCES):
        return None
    if column.is_text:
        return Misfit(False, f"Texts that are not in Salesforce's format are rejected: cast it to {cast} in a view.")
    return Misfit(True, f"Every value is rejected or changed: map another column, or cast it to {cast} in a view.")

"""Values that a field would reject: texts that are too long, and values that a restricted picklist lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from include.export.inspection.checklist import Checklist
from include.export.inspection.field_types import ColumnType
from include.export.source import VALUES_SHOWN, Source, TooSlow, find_values_beyond

_TEXTS = frozenset({"string", "textarea", "email", "phone", "url", "picklist", "multipicklist", "encryptedstring"})
_SHOWN = 5


def check_length(
    name: str, column: ColumnType, field: Mapping[str, Any], checks: Checklist, *, declared: int | None,
    actual: int | None,
) -> None:  # fmt: skip
    """Compare a column with the length of its field; `actual` is the longest text in the checked rows."""
    most = int(field.get("length") or 0)
    if not column.is_text or field["type"] not in _TEXTS or not most:
        return
    if actual is not None and actual > most:
        checks.fail(
            "length",
            f"{name} allows {most:,} characters, and its column has texts of up to {actual:,}: they are rejected. "
            f"Shorten them in a view by left(…, {most}), or ask your Salesforce admin to lengthen the field.",
        )
    elif declared is not None and declared > most:
        checks.warn("length", f"{name} allows {most:,} characters, and its column may hold {declared:,}. No text is "
                    f"that long so far; shorten them in a view by left(…, {most}) to be sure.")  # fmt: skip


def check_picklist(
    name: str, source: Source, field: Mapping[str, Any], checks: Checklist, *, show_values: bool = True
) -> None:  # fmt: skip
    """Report the values of a column that a restricted picklist does not have.

    Up to 20 values are shown, because a picklist's values are categories. More suggest another kind of column, whose
    values may be personal data, and are only counted; without `show_values` all are.
    """
    if not field.get("restrictedPicklist"):
        return
    known = [str(each["value"]) for each in field.get("picklistValues") or () if each.get("active", True)]
    column = source.stream.fields[name]
    try:
        lacking = find_values_beyond(source, column, known, several=field["type"] == "multipicklist")
    except TooSlow:
        checks.warn("picklist", f"{name}: looking for values that the org lacks took longer than 2 s.")
        return
    if len(lacking) > VALUES_SHOWN:
        checks.fail("picklist", f"{name} is a restricted picklist, and column {column} has more than {VALUES_SHOWN} "
                    "values that it lacks. Is it the right column?")  # fmt: skip
    elif lacking:
        shown = _list(lacking) if show_values else _count(len(lacking))
        checks.fail("picklist", f"{name} is a restricted picklist that lacks {shown}: those records are "
                    f"rejected. Ask your Salesforce admin to add the values, or correct column {column}.")  # fmt: skip


def _list(values: Sequence[str]) -> str:
    more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
    return ", ".join(value[:60] for value in values[:_SHOWN]) + more


def _count(values: int) -> str:
    return f"{values} value{'' if values == 1 else 's'} of the column"

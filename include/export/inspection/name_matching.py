"""Matches columns and fields by their names and types."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from include.export.inspection.field_types import explain_misfit
from include.export.source import RelationColumn

_NAMESPACE = re.compile(r"^[a-z][a-z0-9]*(?:_[a-z0-9]+)*__(?=.+__[a-z]+$)")
_SUFFIX = re.compile(r"__[cr]$")


@dataclass(frozen=True)
class _Type:
    type: str
    is_text: bool


def simplify(name: str) -> str:
    """Return a simplified name of a field or column: `bizible2__Landing_Page__c` becomes landingpage."""
    return re.sub(r"[^a-z0-9]", "", _SUFFIX.sub("", _NAMESPACE.sub("", name.lower())))


def find_column(columns: Sequence[RelationColumn], names: Sequence[str]) -> RelationColumn | None:
    """Return the first column that matches one of the names, in the order of the names."""
    for name in names:
        for column in columns:
            if simplify(column.name) == simplify(name):
                return column
    return None


def find_field(fields: Sequence[Mapping[str, Any]], column: RelationColumn) -> Mapping[str, Any] | str:
    """Return the field of a column, or why there is none."""
    wanted = simplify(column.name)
    named = [each for each in fields if wanted in {simplify(each["name"]), simplify(str(each.get("label")))}]
    if not named:
        return "no writable field has a matching name."
    kind = _Type(column.type, column.category in {"S", "E"} or column.type == "uuid")
    for each in named:
        misfit = explain_misfit(kind, str(each["type"]))
        if misfit is None or not misfit.is_certain:
            return each
    return f"{named[0]['name']} is of type {named[0]['type']}, which does not accept {column.type}."

"""Field values: what a field takes, and how Salesforce refuses what it does not (salesforce-wire.md section 5)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from salesforce_sandbox import assumptions
from salesforce_sandbox.definition.objects import FieldDefinition, FieldType
from salesforce_sandbox.records.record_ids import normalise_id
from salesforce_sandbox.records.refusals import RecordRefused, RequestRefused

NUMBERS = {FieldType.INT, FieldType.DOUBLE, FieldType.CURRENCY, FieldType.PERCENT}
PLAIN_TEXTS = {FieldType.STRING, FieldType.TEXTAREA, FieldType.PHONE, FieldType.URL}
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
Reader = Callable[[Any], Any]


class WrongType(Exception):  # noqa: N818 - Salesforce's wording
    """A value is of a type that the field does not take; what that means depends on the API."""

    def __init__(self, wanted: str, value: Any) -> None:
        super().__init__(wanted)
        self.wanted, self.value = wanted, value


def refuse_wrong_type(name: str, wrong: WrongType) -> Exception:
    """Return what the JSON APIs make of a value of a wrong type."""
    told = f"Cannot deserialize instance of {wrong.wanted} from VALUE_STRING value {wrong.value} or request may be "
    told += "missing a required field"
    if assumptions.WRONG_TYPE_REFUSES_REQUEST:
        return RequestRefused(400, "JSON_PARSER_ERROR", told)
    return RecordRefused("INVALID_TYPE_ON_FIELD_IN_RECORD", told, (name,))


def make_reader(name: str, field: FieldDefinition) -> Reader:
    """Return the function that turns a value, not null and not empty, into what is stored.

    It raises RecordRefused, or WrongType for a value of another type.
    """
    if field.type in _READERS:
        return _READERS[field.type](name, field)
    return _text_reader(name, field)


def _text_reader(name: str, field: FieldDefinition) -> Reader:
    check, length = _CHECKS.get(field.type), field.length

    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise WrongType("string", value)
        if len(value) > length:
            told = f"{name}: data value too large: {value} (max length={length})"
            raise RecordRefused("STRING_TOO_LONG", told, (name,))
        if check:
            check(name, field, value)
        return value

    return read


def _check_picklist(name: str, field: FieldDefinition, value: str) -> None:
    if value in field.values or not field.restricted:
        return
    given = value.split(";") if field.type is FieldType.MULTIPICKLIST else [value]
    bad = [each for each in given if each not in field.values]
    if bad:
        told = f"{field.label or name}: bad value for restricted picklist field: {bad[0]}"
        raise RecordRefused("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", told, (name,))


def _check_email(name: str, _: FieldDefinition, value: str) -> None:
    if not _EMAIL.fullmatch(value):
        raise RecordRefused("INVALID_EMAIL_ADDRESS", f"{name}: invalid email address: {value}", (name,))


def _boolean_reader(_: str, __: FieldDefinition) -> Reader:
    known = {"true": True, "1": True, "false": False, "0": False}

    def read(value: Any) -> bool:
        if isinstance(value, bool):
            return value
        try:
            return known[str(value).lower()]
        except KeyError:
            raise WrongType("boolean", value) from None

    return read


def _number_reader(name: str, field: FieldDefinition) -> Reader:
    highest, whole = 10.0**field.precision, field.type is FieldType.INT

    def read(value: Any) -> int | float:
        try:
            number = float(value)
        except (ValueError, TypeError):
            raise WrongType("double", value) from None
        # float() takes what Salesforce does not: true, nan, infinity, 1_000
        if isinstance(value, bool) or not math.isfinite(number) or (isinstance(value, str) and "_" in value):
            raise WrongType("double", value)
        if abs(number) >= highest:
            told = f"{name}: value outside of valid range on numeric field: {value}"
            raise RecordRefused("NUMBER_OUTSIDE_VALID_RANGE", told, (name,))
        return int(number) if whole else number

    return read


def _time_reader(_: str, field: FieldDefinition) -> Reader:
    parse: Callable[[str], date] = date.fromisoformat if field.type is FieldType.DATE else datetime.fromisoformat
    wanted = "date" if field.type is FieldType.DATE else "dateTime"

    def read(value: Any) -> str:
        try:
            year = parse(value).year
        except (ValueError, TypeError):
            raise WrongType(wanted, value) from None
        if not 1700 <= year <= 4000:
            raise WrongType(wanted, value)
        return str(value)

    return read


def _id_reader(name: str, field: FieldDefinition) -> Reader:
    def read(value: Any) -> str:
        found = normalise_id(value)
        if found is None:
            told = f"{field.label or name}: id value of incorrect type: {value}"
            raise RecordRefused("MALFORMED_ID", told, (name,))
        return found

    return read


_CHECKS = {
    FieldType.PICKLIST: _check_picklist,
    FieldType.MULTIPICKLIST: _check_picklist,
    FieldType.EMAIL: _check_email,
}
_READERS: dict[FieldType, Callable[[str, FieldDefinition], Reader]] = {
    FieldType.BOOLEAN: _boolean_reader,
    FieldType.DATE: _time_reader,
    FieldType.DATETIME: _time_reader,
    FieldType.ID: _id_reader,
    FieldType.REFERENCE: _id_reader,
} | dict.fromkeys(NUMBERS, _number_reader)

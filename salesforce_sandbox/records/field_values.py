"""Field values: what a field accepts, and how Salesforce rejects everything else."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Container
from datetime import datetime
from typing import Any

from salesforce_sandbox import assumptions
from salesforce_sandbox.definition.objects import FieldDefinition, FieldType
from salesforce_sandbox.definition.settings import Leniency
from salesforce_sandbox.records.record_ids import normalise_id
from salesforce_sandbox.records.rejections import BodyRejected, RecordRejected

NUMBERS = {FieldType.INT, FieldType.DOUBLE, FieldType.CURRENCY, FieldType.PERCENT}
PLAIN_TEXTS = {FieldType.STRING, FieldType.TEXTAREA, FieldType.PHONE, FieldType.URL}
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_DATETIME = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")
_ANY_DATETIME = re.compile(r"[\d-]+([T ][\d:.]+(Z|[+-]\d\d:?\d\d)?)?")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
Reader = Callable[[Any], Any]


class WrongType(Exception):  # noqa: N818 - Salesforce's wording
    """A value has a type that the field does not accept; the rejection depends on the API."""

    def __init__(self, wanted: str, value: Any) -> None:
        super().__init__(wanted)
        self.wanted, self.value = wanted, value


def reject_wrong_type(name: str, wrong: WrongType) -> Exception:
    """Return how the JSON APIs reject a value of a wrong type."""
    message = f"Cannot deserialize instance of {wrong.wanted} from {_describe_token(wrong.value)}"
    if assumptions.WRONG_TYPE_REJECTS_REQUEST:
        return BodyRejected(400, "JSON_PARSER_ERROR", message, value=wrong.value)
    return RecordRejected("INVALID_TYPE_ON_FIELD_IN_RECORD", message, (name,))


def _describe_token(value: Any) -> str:
    if isinstance(value, list):
        return "START_ARRAY value"
    tokens = {bool: f"VALUE_{str(value).upper()}", int: "VALUE_NUMBER_INT", float: "VALUE_NUMBER_FLOAT"}
    token = tokens.get(type(value), "VALUE_STRING")
    return f"{token} value {value} or request may be missing a required field at"


def reject_null(name: str, field: FieldDefinition) -> RecordRejected:
    """Return the rejection of NULL for a field that always has a value."""
    if field.type is FieldType.BOOLEAN:
        message = f"{field.label_of(name)}: value not of required type: "
        return RecordRejected("INVALID_TYPE_ON_FIELD_IN_RECORD", message, (name,))
    return RecordRejected("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{name}]", (name,))


def make_reader(name: str, field: FieldDefinition, lenient: Container[Leniency] = ()) -> Reader:
    """Return the function that converts a value, neither null nor empty, to its stored form.

    It raises RecordRejected, or WrongType for a value of another type.
    """
    if field.type is FieldType.DATETIME and Leniency.SPACED_DATETIMES in lenient:
        return _time_reader(_ANY_DATETIME, "datetime")
    if field.type is FieldType.EMAIL and Leniency.MIXED_CASE_EMAILS in lenient:
        return _text_reader(name, field)
    if field.type in _READERS:
        return _READERS[field.type](name, field)
    return _text_reader(name, field)


def _text_reader(name: str, field: FieldDefinition) -> Reader:
    check, length = _CHECKS.get(field.type), field.length

    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise WrongType(field.type.value, value)
        if len(value) > length:
            detail = f"{field.label_of(name)}: data value too large: {value} (max length={length})"
            raise RecordRejected("STRING_TOO_LONG", detail, (name,))
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
        detail = f"{field.label_of(name)}: bad value for restricted picklist field: {bad[0]}"
        raise RecordRejected("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", detail, (name,))


def _check_email(name: str, field: FieldDefinition, value: str) -> None:
    if not _EMAIL.fullmatch(value):
        raise RecordRejected(
            "INVALID_EMAIL_ADDRESS", f"{field.label_of(name)}: invalid email address: {value}", (name,)
        )


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
        # float() accepts what Salesforce does not: true, nan, infinity, 1_000
        if isinstance(value, bool) or not math.isfinite(number) or (isinstance(value, str) and "_" in value):
            raise WrongType("double", value)
        if abs(number) >= highest:
            detail = f"{field.label_of(name)}: value outside of valid range on numeric field: {value}"
            raise RecordRejected("NUMBER_OUTSIDE_VALID_RANGE", detail, (name,))
        return int(number) if whole else number

    return read


def _email_reader(name: str, field: FieldDefinition) -> Reader:
    read = _text_reader(name, field)
    return lambda value: read(value).lower()


def _date_reader(_: str, __: FieldDefinition) -> Reader:
    return _time_reader(_DATE, "date")


def _datetime_reader(_: str, __: FieldDefinition) -> Reader:
    return _time_reader(_DATETIME, "datetime")


def _time_reader(form: re.Pattern[str], wanted: str) -> Reader:
    def read(value: Any) -> str:
        try:
            moment = datetime.fromisoformat(value) if form.fullmatch(value) else None
        except (ValueError, TypeError):
            moment = None
        if moment is None or not 1700 <= moment.year <= 4000:
            raise WrongType(wanted, value)
        return str(value)

    return read


def _id_reader(name: str, field: FieldDefinition) -> Reader:
    def read(value: Any) -> str:
        found = normalise_id(value)
        if found is None:
            detail = f"{field.label_of(name)}: id value of incorrect type: {value}"
            raise RecordRejected("MALFORMED_ID", detail, (name,))
        return found

    return read


_CHECKS = {
    FieldType.PICKLIST: _check_picklist,
    FieldType.MULTIPICKLIST: _check_picklist,
    FieldType.EMAIL: _check_email,
}
_READERS: dict[FieldType, Callable[[str, FieldDefinition], Reader]] = {
    FieldType.BOOLEAN: _boolean_reader,
    FieldType.DATE: _date_reader,
    FieldType.DATETIME: _datetime_reader,
    FieldType.EMAIL: _email_reader,
    FieldType.ID: _id_reader,
    FieldType.REFERENCE: _id_reader,
} | dict.fromkeys(NUMBERS, _number_reader)

"""Field values: what a field takes, and how Salesforce refuses what it does not (salesforce-wire.md section 5)."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from salesforce_sandbox import assumptions
from salesforce_sandbox.definition import FieldDefinition, FieldType
from salesforce_sandbox.record_ids import normalise_id
from salesforce_sandbox.refusals import RecordRefused, RequestRefused

_TEXT = {FieldType.STRING, FieldType.TEXTAREA, FieldType.PICKLIST, FieldType.EMAIL, FieldType.PHONE, FieldType.URL}
_NUMBERS = {FieldType.INT, FieldType.DOUBLE, FieldType.CURRENCY, FieldType.PERCENT}


def read_value(name: str, field: FieldDefinition, value: Any) -> Any:
    """Return a value as it is stored, None for null and the empty text; raises when the field does not take it."""
    if value is None or value == "":
        return None
    if field.type in _TEXT:
        return _read_text(name, field, value)
    if field.type is FieldType.BOOLEAN:
        return _read_boolean(value)
    if field.type in _NUMBERS:
        return _read_number(name, field, value)
    if field.type in {FieldType.DATE, FieldType.DATETIME}:
        return _read_time(field, value)
    return _read_id(name, field, value)


def _read_text(name: str, field: FieldDefinition, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong_type("string", value)
    if len(value) > field.length:
        told = f"{name}: data value too large: {value} (max length={field.length})"
        raise RecordRefused("STRING_TOO_LONG", told, (name,))
    if field.type is FieldType.PICKLIST and field.restricted and value not in field.values:
        told = f"{field.label or name}: bad value for restricted picklist field: {value}"
        raise RecordRefused("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", told, (name,))
    if field.type is FieldType.EMAIL and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value):
        raise RecordRefused("INVALID_EMAIL_ADDRESS", f"{name}: invalid email address: {value}", (name,))
    return value


def _read_boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).lower() in {"true", "1"}:
        return True
    if str(value).lower() in {"false", "0"}:
        return False
    raise _wrong_type("boolean", value)


def _read_number(name: str, field: FieldDefinition, value: Any) -> int | float:
    if isinstance(value, bool):
        raise _wrong_type("double", value)
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise _wrong_type("double", value) from None
    if not number.is_finite():
        raise _wrong_type("double", value)
    if abs(number) >= Decimal(10) ** field.precision:
        told = f"{name}: value outside of valid range on numeric field: {value}"
        raise RecordRefused("NUMBER_OUTSIDE_VALID_RANGE", told, (name,))
    return int(number) if field.type is FieldType.INT else float(number)


def _read_time(field: FieldDefinition, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong_type(field.type.value, value)
    try:
        read = date.fromisoformat if field.type is FieldType.DATE else datetime.fromisoformat
        year = read(value).year
    except ValueError:
        raise _wrong_type(field.type.value, value) from None
    if not 1700 <= year <= 4000:
        raise _wrong_type(field.type.value, value)
    return value


def _read_id(name: str, field: FieldDefinition, value: Any) -> str:
    found = normalise_id(value)
    if found is None:
        told = f"{field.label or name}: id value of incorrect type: {value}"
        raise RecordRefused("MALFORMED_ID", told, (name,))
    return found


def _wrong_type(wanted: str, value: Any) -> Exception:
    told = f"Cannot deserialize instance of {wanted} from VALUE_STRING value {value} or request may be missing a "
    told += "required field"
    if assumptions.WRONG_TYPE_REFUSES_REQUEST:
        return RequestRefused(400, "JSON_PARSER_ERROR", told)
    return RecordRefused("INVALID_TYPE_ON_FIELD_IN_RECORD", told)

"""The types of a stream file's values (names, durations, choices), each with its error message."""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import croniter
from pydantic import BeforeValidator, PlainSerializer, StringConstraints

_PRESETS = ("@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly")

ApiName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}$")]
# a field, a parent by external id, or a polymorphic parent with its object: Contact:Who.External_Id__c
FieldName = Annotated[
    str,
    StringConstraints(
        pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}(\.[A-Za-z][A-Za-z0-9_]{0,79})?$"
        r"|^[A-Za-z][A-Za-z0-9_]{0,79}:[A-Za-z][A-Za-z0-9_]{0,79}\.[A-Za-z][A-Za-z0-9_]{0,79}$"
    ),
]
StreamName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
ColumnName = Annotated[str, StringConstraints(min_length=1, max_length=63, pattern=r"^[^\x00%]+$")]
SourceName = Annotated[str, StringConstraints(pattern=r"^[^.\x00%]{1,63}\.[^.\x00%]{1,63}$")]
ConnectionId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.\-]{1,200}$")]


class Operation(StrEnum):
    """How a live row is written; `update` never creates a record."""

    UPSERT = "upsert"
    UPDATE = "update"


class DuplicateRule(StrEnum):
    """Whether a Salesforce duplicate rule with action "allow" and an alert rejects a record (obey) or not (allow)."""

    ALLOW = "allow"
    OBEY = "obey"


class NewField(StrEnum):
    """What happens to rows that were exported before a field was added to the stream file."""

    REPORT = "report"
    RESEND = "resend"


class NullMeaning(StrEnum):
    """What NULL and the empty text do in Salesforce: clear the field, or keep its value."""

    CLEAR = "clear"
    KEEP = "keep"


_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
LONGEST_DAYS = 366
_DURATION = re.compile(r"([1-9][0-9]{0,7})\s?([smhd])")


def _read_duration(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    seconds = int(found[1]) * _SECONDS[found[2]] if found else 0
    if not 0 < seconds <= LONGEST_DAYS * _SECONDS["d"]:
        raise ValueError(f"must be a duration such as 90s, 30m, 2h or 7d, at most {LONGEST_DAYS}d{_found(value)}")
    return timedelta(seconds=seconds)


def write_duration(duration: timedelta) -> str:
    """Return a duration as in a stream file, in the largest unit that divides it."""
    seconds = int(duration.total_seconds())
    unit = max((unit for unit, size in _SECONDS.items() if seconds % size == 0), key=_SECONDS.__getitem__)
    return f"{seconds // _SECONDS[unit]}{unit}"


def _read_time_zone(value: Any) -> Any:
    try:
        if isinstance(value, str) and len(value) <= 100:
            return ZoneInfo(value).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise ValueError(f"must be a time zone such as Europe/Berlin or UTC{_found(value)}")


def _read_assignment_rule(value: Any) -> Any:
    is_id = isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?", value)
    if isinstance(value, bool) or is_id:
        return value
    raise ValueError(
        "must be true (the active assignment rules), false (none), or the id of a rule (15 or 18 characters)"
        + _found(value)
    )


def _read_nulls(value: Any) -> Any:
    if isinstance(value, str) and value in set(NullMeaning):
        return NullMeaning(value)
    if isinstance(value, dict) and all(isinstance(each, str) and each in set(NullMeaning) for each in value.values()):
        return {field: NullMeaning(each) for field, each in value.items()}
    raise ValueError(
        "must be clear, keep, or a mapping of fields to clear or keep, as in {Phone: keep}" + _found(value)
    )


def _found(value: Any) -> str:
    text = repr(value)
    return f" (found {text if len(text) <= 60 else text[:59] + '…'})"


def _check_schedule(value: Any) -> Any:
    if isinstance(value, str) and (value in _PRESETS or (len(value.split()) == 5 and croniter.is_valid(value))):
        return value
    raise ValueError(f"schedule: must be five cron fields, as in '0 6 * * *', or one of {', '.join(_PRESETS)}")


Duration = Annotated[timedelta, BeforeValidator(_read_duration), PlainSerializer(write_duration, when_used="json")]
TimeZone = Annotated[str, BeforeValidator(_read_time_zone)]
AssignmentRule = Annotated[bool | str, BeforeValidator(_read_assignment_rule)]
Nulls = Annotated[NullMeaning | dict[str, NullMeaning], BeforeValidator(_read_nulls)]
Schedule = Annotated[str, BeforeValidator(_check_schedule)]
AssetUri = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9+.-]*://[^\s]{1,500}$")]

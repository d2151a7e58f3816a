"""The settings of CRM Export: Airflow Variables, read once per stream and run."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass

from airflow.sdk import Variable

from include.export.options import ExportOptions

log = logging.getLogger(__name__)
EXPORT_TO_CRM = "export_to_crm"
PAUSE_ON_EXPORT_ERRORS = "pause_on_export_errors"
BATCH_SIZE = "crm_export_batch_size"
DAILY_API_LIMIT = "daily_crm_api_limit"
LAG_HOURS = "crm_export_lag_hours"
KEEP_DAYS = "crm_export_keep_days"
BATCH_SIZES = (200, 100, 50, 25)
_ON = frozenset({"true", "on", "yes", "1"})
_OFF = frozenset({"false", "off", "no", "0"})


@dataclass(frozen=True)
class Reading:
    """A Variable as it was read; `value` is None when it is missing or could not be read."""

    value: str | None
    problem: str = ""


def read_export_to_crm() -> bool:
    """Return whether anything is exported at all; on unless it is clearly off."""
    return parse_switch(EXPORT_TO_CRM, _read(EXPORT_TO_CRM))


def read_pause_on_export_errors() -> bool:
    """Return whether a rejected record stops its stream; on unless it is clearly off (docs/reference/settings.md)."""
    return parse_switch(PAUSE_ON_EXPORT_ERRORS, _read(PAUSE_ON_EXPORT_ERRORS))


def read_options() -> ExportOptions:
    """Return the options of a run from the Variables."""
    return ExportOptions(
        pause_on_export_errors=read_pause_on_export_errors(),
        batch_size=parse_number(BATCH_SIZE, _read(BATCH_SIZE), 200, BATCH_SIZES),
        daily_api_limit=parse_number(DAILY_API_LIMIT, _read(DAILY_API_LIMIT), 100_000),
    )


def read_lag_hours() -> int:
    """Return the age in hours from which an unexported change raises an alert."""
    return parse_number(LAG_HOURS, _read(LAG_HOURS), 24)


def read_keep_days() -> int:
    """Return how many days the history of exports is kept."""
    return parse_number(KEEP_DAYS, _read(KEEP_DAYS), 90)


def understand_switch(value: str | None) -> bool | None:
    """Return the value of a switch's text, None for anything that is not allowed."""
    text = _plain(value)
    return False if text in _OFF else True if text in _ON else None


def understand_number(value: str | None, allowed: tuple[int, ...] = ()) -> int | None:
    """Return the value of a number's text, None for anything that is not allowed."""
    text = _plain(value)
    number = int(text) if re.fullmatch(r"\d{1,9}", text) else None
    return number if number is not None and number > 0 and (not allowed or number in allowed) else None


def parse_switch(name: str, reading: Reading) -> bool:
    """Return the value of a switch; a missing, malformed or unreadable one is on, with a warning."""
    understood = understand_switch(reading.value)
    if understood is None:
        found = reading.problem or ("is not set" if reading.value is None else f"is {show_value(reading.value)}")
        log.warning("Variable %s %s; it counts as on. Allowed: true, false, on, off, yes, no, 1, 0.", name, found)
    return understood is not False


def parse_number(name: str, reading: Reading, default: int, allowed: tuple[int, ...] = ()) -> int:
    """Return the value of a number; its default, with a warning, when it is not allowed."""
    if reading.value is None and not reading.problem:
        return default
    number = understand_number(reading.value, allowed)
    if number is not None:
        return number
    listed = ", ".join(map(str, allowed)) or "a whole number above 0"
    found = reading.problem or f"is {show_value(str(reading.value))}"
    log.warning("Variable %s %s; %d is used. Allowed: %s.", name, found, default, listed)
    return default


def _read(name: str) -> Reading:
    try:
        value = Variable.get(name, default=None)
    except Exception as unreadable:  # noqa: BLE001 - whatever the backend raises, the answer is the safe one
        return Reading(None, f"cannot be read ({type(unreadable).__name__})")
    return Reading(None if value is None else str(value))


def _plain(value: str | None) -> str:
    text = (value or "").strip()
    try:
        parsed = json.loads(text) if text.startswith('"') else text
    except ValueError:
        parsed = text
    return str(parsed).strip().lower()


def show_value(value: str) -> str:
    """Return a value for a message: quoted and clipped."""
    return repr(value if len(value) <= 40 else value[:39] + "…")

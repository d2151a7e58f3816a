"""The settings in the API server: the value a run would use, its source, and whether it can be changed."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal

from airflow.configuration import ensure_secrets_loaded
from airflow.models.variable import Variable
from airflow.secrets.environment_variables import EnvironmentVariablesBackend
from airflow.secrets.metastore import MetastoreBackend
from airflow.utils.session import create_session
from sqlalchemy import select

from crm_export.page.failures import PageFailure
from crm_export.settings import (
    BATCH_SIZE,
    BATCH_SIZES,
    DAILY_API_LIMIT,
    EXPORT_TO_CRM,
    PAUSE_ON_EXPORT_ERRORS,
    Reading,
    show_value,
    understand_number,
    understand_switch,
)

log = logging.getLogger(__name__)
LEAST_API_LIMIT, GREATEST_API_LIMIT = 1, 999_999_999  # the limits of the Variable too
SWITCHES = (EXPORT_TO_CRM, PAUSE_ON_EXPORT_ERRORS)
SettingSource = Literal["default", "variable", "environment", "secrets_backend"]
_DEFAULTS = {BATCH_SIZE: 200, DAILY_API_LIMIT: 100_000}


@dataclass(frozen=True)
class Problem:
    """A malformed or unreadable setting; `used` is the value used instead."""

    key: str
    code: Literal["malformed", "unreadable"]
    shown: str
    used: str
    message: str


@dataclass(frozen=True)
class SettingValue:
    """A setting: `locked_by` names what overrides its Variable, None when the Variable decides."""

    key: str
    value: bool | int
    source: SettingSource
    locked_by: str | None
    problem: Problem | None


def read_setting(key: str) -> SettingValue:
    """Return the value of a setting that a run would use, in the order in which Airflow looks up Variables."""
    reading, source, locked_by = _find(key)
    understood = (
        understand_switch(reading.value) if key in SWITCHES else understand_number(reading.value, _allowed(key))
    )
    value = understood if understood is not None else _default(key)
    return SettingValue(key, value, source, locked_by, _judge(key, reading, understood))


def require_export() -> None:
    """Raise PageFailure while export_to_crm is off."""
    if not read_setting(EXPORT_TO_CRM).value:
        raise PageFailure(409, "export_off", "export_to_crm is off: nothing can be sent.")


def write_text(value: bool | int) -> str:
    """Return a setting's value as its Variable holds it, and as the audit keeps it."""
    return ("on" if value else "off") if isinstance(value, bool) else str(value)


def store_setting(key: str, value: bool | int) -> None:
    """Set the Variable of a setting; its description is kept."""
    with create_session() as session:
        known = session.scalar(select(Variable).where(Variable.key == key))
        description = known.description if known else "Set on the page CRM Export"
        Variable.set(key, write_text(value), description=description, session=session)


def _find(key: str) -> tuple[Reading, SettingSource, str | None]:
    problem = ""
    for backend in ensure_secrets_loaded():
        try:
            value = backend.get_variable(key=key)
        except Exception as unreadable:  # noqa: BLE001 - as Airflow does: whatever a backend raises, the next is asked
            problem = problem or f"cannot be read ({type(unreadable).__name__})"
            log.warning("CRM Export page: %s could not read %s", type(backend).__name__, key)
            continue
        if value is None:
            continue
        if isinstance(backend, MetastoreBackend):
            return Reading(str(value)), "variable", None
        if isinstance(backend, EnvironmentVariablesBackend):
            return Reading(str(value)), "environment", f"AIRFLOW_VAR_{key.upper()}"
        return Reading(str(value)), "secrets_backend", type(backend).__name__
    if not problem and _is_stored(key):
        return Reading(None, "cannot be decrypted (the fernet key has changed)"), "variable", None
    return Reading(None, problem), "default", None


def _is_stored(key: str) -> bool:
    with create_session() as session:
        return session.scalar(select(Variable.id).where(Variable.key == key)) is not None


def _judge(key: str, reading: Reading, understood: bool | int | None) -> Problem | None:
    used = write_text(_default(key))
    if reading.problem:
        return Problem(key, "unreadable", "", used, f"{key} {reading.problem}; {used} is used.")
    if reading.value is None or understood is not None:
        return None
    shown = show_value(reading.value)
    return Problem(key, "malformed", shown, used, f"{key} is {shown}, which is not allowed; {used} is used.")


def _default(key: str) -> bool | int:
    return True if key in SWITCHES else _DEFAULTS[key]


def _allowed(key: str) -> tuple[int, ...]:
    return BATCH_SIZES if key == BATCH_SIZE else ()

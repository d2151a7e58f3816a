"""Reading and changing the settings; every change leaves a line in the audit."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import psycopg
from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, StrictBool, StrictInt, StringConstraints

from crm_export.page.database import connect
from crm_export.page.failures import PageFailure
from crm_export.page.guards import may_change, name_user, read_body
from crm_export.page.setting_values import (
    GREATEST_API_LIMIT,
    LEAST_API_LIMIT,
    Problem,
    SettingSource,
    SettingValue,
    read_setting,
    store_setting,
    write_text,
)
from crm_export.settings import BATCH_SIZE, BATCH_SIZES, DAILY_API_LIMIT, EXPORT_TO_CRM, PAUSE_ON_EXPORT_ERRORS
from include.export.failures import RunFailure
from include.export.ledger import AuditLine, ExportAudit, SettingChange
from include.export.reports import SettingSeen, read_setting_seen

router = APIRouter()
_History = tuple[dict[str, SettingChange], SettingSeen | None]
KEYS = (PAUSE_ON_EXPORT_ERRORS, BATCH_SIZE, DAILY_API_LIMIT)


Agreed = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000, pattern=r"^[^\x00]*$")]


class SettingBody(BaseModel):
    """A change of a setting; turning pause_on_export_errors off requires the text that was acknowledged."""

    model_config = ConfigDict(extra="forbid")

    value: StrictBool | StrictInt
    acknowledgement: Agreed | None = None


@dataclass(frozen=True)
class Setting:
    """A setting, who changed it here and what the last run used."""

    key: Literal["pause_on_export_errors", "crm_export_batch_size", "daily_crm_api_limit"]
    source: SettingSource
    changeable: bool
    locked_by: str | None
    last_change: SettingChange | None
    changed_elsewhere: bool
    last_seen: SettingSeen | None


@dataclass(frozen=True)
class SwitchSetting(Setting):
    """A setting that is on or off."""

    value: bool


@dataclass(frozen=True)
class NumberSetting(Setting):
    """A setting that is a whole number."""

    value: int


@dataclass(frozen=True)
class Settings:
    """The settings; None while export_to_crm is off."""

    export_to_crm: bool
    problems: list[Problem]
    pause_on_export_errors: SwitchSetting | None
    crm_export_batch_size: NumberSetting | None
    daily_crm_api_limit: NumberSetting | None
    history_available: bool


@router.get("/settings")
def read_settings() -> Settings:
    """Return the settings; while Postgres does not answer, without their history."""
    export = read_setting(EXPORT_TO_CRM)
    values = [read_setting(key) for key in KEYS] if export.value else []
    problems = [value.problem for value in (export, *values) if value.problem]
    history = _read_history()
    shown = {value.key: (_describe_setting(value, history), value.value) for value in values}
    pause, batch, limit = (shown.get(key) for key in KEYS)
    return Settings(
        export_to_crm=bool(export.value),
        problems=problems,
        pause_on_export_errors=pause and SwitchSetting(**pause[0], value=bool(pause[1])),
        crm_export_batch_size=batch and NumberSetting(**batch[0], value=int(batch[1])),
        daily_crm_api_limit=limit and NumberSetting(**limit[0], value=int(limit[1])),
        history_available=history is not None,
    )


@router.put("/settings/{variable_key}", dependencies=[may_change])
def change_setting(
    variable_key: str,
    change: Annotated[SettingBody, Depends(read_body(SettingBody, 32 * 1024))],
    actor: Annotated[str, Depends(name_user)],
) -> Settings:
    """Change a setting and return all settings."""
    if variable_key not in KEYS:
        raise PageFailure(404, "not_found", f"There is no setting {variable_key!r}. Settings: {', '.join(KEYS)}.")
    with _open() as connection:
        audit = ExportAudit(connection)
        with connection.transaction():  # a change and its line together, lines in the order of the changes
            audit.take_turn()
            before = _check(variable_key, change)
            if before.source == "default" or before.problem or before.value != change.value:
                audit.write(_describe(variable_key, before, change, actor))
                store_setting(variable_key, change.value)
    return read_settings()


def _describe(key: str, before: SettingValue, change: SettingBody, actor: str) -> AuditLine:
    return AuditLine(
        actor=actor,
        action="set_setting",
        setting=key,
        from_value=before.problem.shown if before.problem else write_text(before.value),
        to_value=write_text(change.value),
        acknowledgement=change.acknowledgement if change.value is False else None,
    )


def _check(key: str, change: SettingBody) -> SettingValue:
    if not read_setting(EXPORT_TO_CRM).value:
        raise PageFailure(409, "export_off", "export_to_crm is off: its settings cannot be changed.")
    _check_value(key, change.value)
    before = read_setting(key)
    if before.locked_by:
        raise PageFailure(409, "overridden", f"{before.locked_by} overrides {key}; the Variable would have no effect.")
    if key == PAUSE_ON_EXPORT_ERRORS and change.value is False and not change.acknowledgement:
        raise PageFailure(
            409, "acknowledgement_missing", f"Turning {key} off requires the text of the acknowledgement."
        )
    return before


def _check_value(key: str, value: bool | int) -> None:
    is_switch = isinstance(value, bool)
    if key == PAUSE_ON_EXPORT_ERRORS:
        allowed, message = is_switch, "true or false"
    elif key == BATCH_SIZE:
        allowed, message = not is_switch and value in BATCH_SIZES, f"one of {', '.join(map(str, BATCH_SIZES))}"
    else:
        allowed = not is_switch and LEAST_API_LIMIT <= value <= GREATEST_API_LIMIT
        message = f"from {LEAST_API_LIMIT:,} to {GREATEST_API_LIMIT:,}"
    if not allowed:
        raise PageFailure(422, "invalid", f"{key} must be {message}.")


def _describe_setting(value: SettingValue, history: _History | None) -> dict[str, Any]:
    changes, seen = history or ({}, None)
    change = changes.get(value.key)
    return {
        "key": value.key,
        "source": value.source,
        "changeable": history is not None and value.locked_by is None,
        "locked_by": value.locked_by,
        "last_change": change,
        "changed_elsewhere": change is not None and change.to_value != write_text(value.value),
        "last_seen": seen if value.key == PAUSE_ON_EXPORT_ERRORS else None,
    }


def _read_history() -> _History | None:
    try:
        with _open() as connection:
            return ExportAudit(connection).last_changes(), read_setting_seen(connection)
    except (psycopg.Error, RunFailure):
        return None


_open = contextmanager(connect)

"""Reading and changing the settings; every change leaves a line in the audit."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

import psycopg
from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StringConstraints

from crm_export.page.database import connect
from crm_export.page.failures import PageFailure
from crm_export.page.guards import may_change, name_user, read_body
from crm_export.page.setting_values import (
    GREATEST_API_LIMIT,
    LEAST_API_LIMIT,
    Problem,
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
KEYS = (PAUSE_ON_EXPORT_ERRORS, BATCH_SIZE, DAILY_API_LIMIT)


class Change(BaseModel):
    """A change of a setting; turning pause_on_export_errors off carries the text that was agreed to."""

    model_config = ConfigDict(extra="forbid")

    value: StrictBool | StrictInt
    acknowledgement: Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)] | None = Field(None)


@dataclass(frozen=True)
class Setting:
    """A setting with who changed it here and what the last run saw."""

    key: str
    value: bool | int
    source: str
    changeable: bool
    locked_by: str | None
    last_change: SettingChange | None
    changed_elsewhere: bool
    last_seen: SettingSeen | None


@dataclass(frozen=True)
class Settings:
    """The settings view; without export_to_crm there is none."""

    export_to_crm: bool
    problems: list[Problem]
    pause_on_export_errors: Setting | None
    crm_export_batch_size: Setting | None
    daily_crm_api_limit: Setting | None
    history_available: bool


@router.get("/settings")
def read_settings() -> Settings:
    """Return the settings; without Postgres their history is missing, the rest is there."""
    export = read_setting(EXPORT_TO_CRM)
    values = [read_setting(key) for key in KEYS] if export.value else []
    problems = [value.problem for value in (export, *values) if value.problem]
    history = _read_history()
    changes, seen = history or ({}, None)
    shown = {value.key: _show(value, changes.get(value.key), seen, changeable=history is not None) for value in values}
    return Settings(
        export_to_crm=bool(export.value),
        problems=problems,
        pause_on_export_errors=shown.get(PAUSE_ON_EXPORT_ERRORS),
        crm_export_batch_size=shown.get(BATCH_SIZE),
        daily_crm_api_limit=shown.get(DAILY_API_LIMIT),
        history_available=history is not None,
    )


@router.put("/settings/{variable_key}", dependencies=[may_change])
def change_setting(
    variable_key: str,
    change: Annotated[Change, Depends(read_body(Change))],
    actor: Annotated[str, Depends(name_user)],
) -> Settings:
    """Change a setting and return them all."""
    if variable_key not in KEYS:
        raise PageFailure(404, "not_found", f"There is no setting {variable_key!r}. Settings: {', '.join(KEYS)}.")
    with _open() as connection:
        audit = ExportAudit(connection)
        with connection.transaction():  # no change without its line, and lines in the order of the changes
            audit.take_turn()
            before = _check(variable_key, change)
            if before.source == "default" or before.problem or before.value != change.value:
                audit.write(_describe(variable_key, before, change, actor))
                store_setting(variable_key, change.value)
    return read_settings()


def _describe(key: str, before: SettingValue, change: Change, actor: str) -> AuditLine:
    return AuditLine(
        actor=actor,
        action="set_setting",
        setting=key,
        from_value=before.problem.shown if before.problem else write_text(before.value),
        to_value=write_text(change.value),
        acknowledgement=change.acknowledgement if change.value is False else None,
    )


def _check(key: str, change: Change) -> SettingValue:
    if not read_setting(EXPORT_TO_CRM).value:
        raise PageFailure(409, "export_off", "export_to_crm is off: its settings cannot be changed.")
    _check_value(key, change.value)
    before = read_setting(key)
    if before.locked_by:
        raise PageFailure(409, "overridden", f"{before.locked_by} decides {key}; the Variable would have no effect.")
    if key == PAUSE_ON_EXPORT_ERRORS and change.value is False and not change.acknowledgement:
        raise PageFailure(409, "acknowledgement_missing", f"Turning {key} off needs the acknowledgement's text.")
    return before


def _check_value(key: str, value: bool | int) -> None:
    is_switch = isinstance(value, bool)
    if key == PAUSE_ON_EXPORT_ERRORS:
        allowed, told = is_switch, "true or false"
    elif key == BATCH_SIZE:
        allowed, told = not is_switch and value in BATCH_SIZES, f"one of {', '.join(map(str, BATCH_SIZES))}"
    else:
        allowed = not is_switch and LEAST_API_LIMIT <= value <= GREATEST_API_LIMIT
        told = f"from {LEAST_API_LIMIT:,} to {GREATEST_API_LIMIT:,}"
    if not allowed:
        raise PageFailure(422, "invalid", f"{key} must be {told}.")


def _show(value: SettingValue, change: SettingChange | None, seen: SettingSeen | None, *, changeable: bool) -> Setting:
    return Setting(
        key=value.key,
        value=value.value,
        source=value.source,
        changeable=changeable and value.locked_by is None,
        locked_by=value.locked_by,
        last_change=change,
        changed_elsewhere=change is not None and change.to_value != write_text(value.value),
        last_seen=seen if value.key == PAUSE_ON_EXPORT_ERRORS else None,
    )


def _read_history() -> tuple[dict[str, SettingChange], SettingSeen | None] | None:
    try:
        with _open() as connection:
            return ExportAudit(connection).last_changes(), read_setting_seen(connection)
    except (psycopg.Error, RunFailure):
        return None


_open = contextmanager(connect)

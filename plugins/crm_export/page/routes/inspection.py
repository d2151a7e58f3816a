"""Checks and plans: what is wrong, and what the next run of a stream would do. Nothing is sent."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Annotated

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict

from crm_export.checks import check_everything
from crm_export.connections import open_inputs
from crm_export.page.database import open_database
from crm_export.page.failures import PageFailure
from crm_export.page.guards import find_permissions, may_change, name_user, read_body
from crm_export.page.routes.errors import NothingBody, find_stream
from crm_export.page.setting_values import read_setting
from crm_export.settings import BATCH_SIZE, DAILY_API_LIMIT, PAUSE_ON_EXPORT_ERRORS
from include.export.inspection import SHOWN_ROWS, CheckLine, Forecast, Level, PlannedRow, forecast_run
from include.export.ledger import AuditLine, ExportAudit, RunIdentity
from include.export.options import ExportOptions
from include.export.postgres import limit_statements
from include.export.streams import StreamName, load_streams

router = APIRouter(dependencies=[may_change])
STATEMENT_SECONDS = 30  # limit for a statement of a check or a plan


class CheckBody(BaseModel):
    """Which stream to check; all if none is named."""

    model_config = ConfigDict(extra="forbid")

    stream: StreamName | None = None


@dataclass(frozen=True)
class CheckResult:
    """The lines of a check, and how many are of each level."""

    lines: list[CheckLine]
    ok: int
    warn: int
    fail: int


@dataclass(frozen=True)
class Plan:
    """What the next run of a stream would do. The counts are of the first `sampled` rows.

    `rows` and `rejected` are None for users who may not see record values.
    """

    stream: str
    object: str
    external_id: str
    held_at: str | None
    rows_waiting: str
    requests: int
    jobs: int
    api_calls: int
    sampled: int
    creates: int
    updates: int
    deletes: int
    absent: int
    rejected_count: int
    rows: list[PlannedRow] | None
    rejected: list[PlannedRow] | None


@router.post("/check")
def check(wanted: Annotated[CheckBody, Depends(read_body(CheckBody))], user: GetUserDep) -> CheckResult:
    """Check one stream or all, the alert channels and the pool; nothing is sent."""
    if wanted.stream is not None and all(stream.name != wanted.stream for stream in load_streams()):
        raise PageFailure(404, "not_found", f"There is no stream {wanted.stream}.")
    show_values = find_permissions(user).see_values
    lines = list(
        check_everything(
            wanted.stream, _read_options(), statement_seconds=STATEMENT_SECONDS, show_values=show_values
        )
    )  # fmt: skip
    counted = Counter(line.level for line in lines)
    return CheckResult(lines, counted[Level.OK], counted[Level.WARN], counted[Level.FAIL])


@router.post("/streams/{stream}/plan")
def plan(
    stream: StreamName,
    _: Annotated[NothingBody, Depends(read_body(NothingBody))],
    user: GetUserDep,
    actor: Annotated[str, Depends(name_user)],
) -> Plan:
    """Return what the next run would do. Nothing is sent; only the audit records who viewed values."""
    found = find_stream(stream)
    may_see = find_permissions(user).see_values
    if may_see:
        with open_database(found.postgres) as connection:
            ExportAudit(connection).write(AuditLine(actor, "see_plan", selection=stream))
    with open_inputs(found, _read_options(), RunIdentity("page", "plan", 1, "plan")) as inputs:
        limit_statements(inputs.connection, STATEMENT_SECONDS)
        forecast = forecast_run(inputs)
    return _show(forecast, found.object, found.external_id, may_see=may_see)


def _show(forecast: Forecast, object_name: str, external_id: str, *, may_see: bool) -> Plan:
    sent = [row for row in forecast.rows if row.verdict is None]
    return Plan(
        stream=forecast.stream,
        object=object_name,
        external_id=external_id,
        held_at=forecast.held_at,
        rows_waiting=forecast.rows_waiting,
        requests=forecast.size.requests,
        jobs=forecast.size.jobs,
        api_calls=forecast.size.calls,
        sampled=len(forecast.rows),
        creates=forecast.count("create"),
        updates=forecast.count("update"),
        deletes=forecast.count("delete"),
        absent=forecast.count("absent"),
        rejected_count=len(forecast.rejected),
        rows=sent[:SHOWN_ROWS] if may_see else None,
        rejected=forecast.rejected[:SHOWN_ROWS] if may_see else None,
    )


def _read_options() -> ExportOptions:
    return ExportOptions(
        pause_on_export_errors=bool(read_setting(PAUSE_ON_EXPORT_ERRORS).value),
        batch_size=int(read_setting(BATCH_SIZE).value),
        daily_api_limit=int(read_setting(DAILY_API_LIMIT).value),
    )

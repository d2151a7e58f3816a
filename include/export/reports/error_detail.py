"""One export error in full detail."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row, dict_row

from include.export.reports.error_list import ErrorLine
from include.export.reports.vocabulary import AttemptOutcome, ErrorStatus
from include.export.salesforce import Catalogue
from include.sql import load_statement


@dataclass(frozen=True)
class WaitingFor:
    """The parent that a waiting record waits for."""

    error_id: int
    stream: str
    record_key: str
    status: ErrorStatus


@dataclass(frozen=True)
class Attempt:
    """One attempt to send the record; `actor` is the person who requested it."""

    at: datetime
    outcome: AttemptOutcome
    code: str | None
    message: str | None
    record_changed_at: str | None
    dag_id: str | None
    run_id: str | None
    task_id: str | None
    try_number: int | None
    actor: str | None


@dataclass(frozen=True)
class ErrorDetail(ErrorLine):
    """An export error; `retry_with` is the DAG that sends it again, `payload` the values in its log_fields."""

    advice: str
    salesforce_id: str | None
    salesforce_url: str | None
    record_changed_at: str | None
    waiting_for: WaitingFor | None
    children_waiting: int
    resolved_at: datetime | None
    resolved_by: str | None
    ignored_reason: str | None
    ignored_until: datetime | None
    stops_stream: bool
    retry_with: str
    dag_id: str
    run_id: str
    payload: dict[str, str | None] | None
    attempts_made: Sequence[Attempt]


def read_detail(error: int, *, connection: psycopg.Connection, catalogue: Catalogue) -> ErrorDetail | None:
    """Return one export error with its attempts, None when there is none with that id."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row: dict[str, Any] | None = cursor.execute(load_statement("reports/error_detail"), {"error": error}).fetchone()
    if row is None:
        return None
    with connection.cursor(row_factory=class_row(Attempt)) as cursor:
        attempts = cursor.execute(load_statement("reports/error_attempts"), {"error": error}).fetchall()
    parent, instance_url = row.pop("waiting_for"), row.pop("instance_url")
    return ErrorDetail(
        **row,
        advice=catalogue.classify(row["code"], row["message"]).advice,
        salesforce_url=link_record(instance_url, row["salesforce_id"]),
        waiting_for=WaitingFor(**parent) if parent else None,
        attempts_made=attempts,
    )


def read_instance_url(stream: str, *, connection: psycopg.Connection) -> str | None:
    """Return the address of the org that a stream is exported to, None before its first run."""
    row = connection.execute(load_statement("reports/instance_url"), {"stream": stream}).fetchone()
    return row[0] if row else None


def link_record(instance_url: str | None, record_id: str | None) -> str | None:
    """Return the address of a record in Salesforce, None unless org address and id are known and well-formed."""
    if not re.fullmatch(r"https://[A-Za-z0-9.-]{1,250}(:\d{1,5})?", instance_url or ""):
        return None
    if not re.fullmatch(r"[A-Za-z0-9]{15}|[A-Za-z0-9]{18}", record_id or ""):
        return None
    return f"{instance_url}/{record_id}"

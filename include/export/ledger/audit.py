"""The tables ExportAudit and ExportAuditRecords: what people did, and what happened to each record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

import psycopg
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from include.sql import fetch_one, load_statement

RECORD_LIMIT = 10_000  # records of one action
RUN_PREFIX = "page__"  # the runs of a retry are called page__<audit id>, in SQL too
_DECIDED = {"set_aside": "set_aside", "ignore": "ignored", "reopen": "open"}
_FROM_STATUSES = {
    "retry": ["open", "waiting", "set_aside"],
    "set_aside": ["open", "waiting", "ignored"],
    "ignore": ["open", "waiting", "set_aside", "ignored"],
    "reopen": ["set_aside", "ignored"],
}


ActionName = Literal["retry", "set_aside", "ignore", "reopen"]
ResultName = Literal["done", "unchanged", "pending", "exported", "refused", "gone", "waiting", "not_tried"]
EntryName = Literal[
    "retry", "set_aside", "ignore", "reopen", "set_setting", "try_record", "see_source_row", "download", "run_now",
    "pause_dag", "unpause_dag", "resend", "see_plan",
]  # fmt: skip


class ActionKind(StrEnum):
    """What a person can do about rejected records."""

    RETRY = "retry"
    SET_ASIDE = "set_aside"
    IGNORE = "ignore"
    REOPEN = "reopen"


class RecordResult(StrEnum):
    """What happened to one record of an action (audit_results.sql judges)."""

    DONE = "done"
    UNCHANGED = "unchanged"
    PENDING = "pending"
    EXPORTED = "exported"
    REFUSED = "refused"
    GONE = "gone"
    WAITING = "waiting"
    NOT_TRIED = "not_tried"


@dataclass(frozen=True)
class Selection:
    """Selects unresolved errors by ids, or by cause, code, object, stream and status."""

    errors: list[int] | None = None
    cause: str | None = None
    code: str | None = None
    object: str | None = None
    stream: str | None = None
    status: str | None = None

    def __str__(self) -> str:
        if self.errors is not None:
            return f"errors {', '.join(map(str, self.errors[:20]))}{' …' if len(self.errors) > 20 else ''}"
        chosen = (f"{name} {value}" for name, value in asdict(self).items() if value)
        return ", ".join(chosen) or "all unresolved errors"


@dataclass(frozen=True)
class AuditLine:
    """What the audit records about a change or an action."""

    actor: str
    action: str
    setting: str | None = None
    from_value: str | None = None
    to_value: str | None = None
    acknowledgement: str | None = None
    reason: str | None = None
    until: datetime | None = None
    selection: str | None = None


@dataclass(frozen=True)
class SettingChange:
    """The last change of a setting that was made on the page."""

    setting: str
    actor: str
    at: datetime
    to_value: str


@dataclass(frozen=True)
class AuditEntry:
    """One line of the audit, for people."""

    id: int
    at: datetime
    actor: str
    action: EntryName
    setting: str | None
    from_value: str | None
    to_value: str | None
    acknowledgement: str | None
    reason: str | None
    until: datetime | None
    selection: str | None
    records: int
    streams: list[str]


@dataclass(frozen=True)
class PreviewLine:
    """What an action would do to the errors of one stream that one DAG sends."""

    stream: str
    dag_id: str
    selected: int
    changes: int
    ends_hold: bool


@dataclass(frozen=True)
class Action:
    """An action; `dag_ids` are the DAGs that were asked to run, `problem` why they could not be."""

    id: int
    at: datetime
    actor: str
    kind: ActionName
    reason: str | None
    problem: str | None
    dag_ids: list[str]

    @property
    def run_id(self) -> str:
        """Return the id of the runs that were started for it."""
        return f"{RUN_PREFIX}{self.id}"


@dataclass(frozen=True)
class RecordLine:
    """What happened to one record."""

    error: int
    stream: str
    record_key: str
    result: ResultName
    message: str


@dataclass(frozen=True)
class Results:
    """What happened to the records of an action: all counted, one page returned."""

    counts: dict[ResultName, int]
    records: list[RecordLine] = field(default_factory=list)


@dataclass(frozen=True)
class ExportAudit:
    """The tables, at one connection; `exporters` maps streams to the DAG that exports them, if not CRMExport."""

    connection: psycopg.Connection
    exporters: Mapping[str, str] = field(default_factory=dict)

    def take_turn(self) -> None:
        """Make other writers of the audit wait until this transaction has ended."""
        self.connection.execute(load_statement("ledger/audit_turn"))

    def write(self, line: AuditLine) -> int:
        """Write a line and return its id."""
        row = fetch_one(self.connection.execute(load_statement("ledger/audit_write"), asdict(line)))
        return int(row[0])

    def select(self, audit: int, selection: Selection, *, retry: bool) -> int:
        """Record the unresolved errors of a selection under a line; returns how many, RECORD_LIMIT + 1 if too many."""
        values = asdict(selection) | {"audit": audit, "retry": retry, "limit": RECORD_LIMIT + 1} | self._exporters
        return self.connection.execute(load_statement("ledger/audit_select"), values).rowcount

    def find_pending(self, audit: int) -> int | None:
        """Return a retry of the last minute that has not finished for one of the same records."""
        row = self.connection.execute(load_statement("ledger/audit_pending"), {"audit": audit}).fetchone()
        return row[0] if row else None

    def decide(self, audit: int, kind: ActionKind, reason: str | None, until: datetime | None) -> int:
        """Set aside, ignore or reopen the records of a line; resolved ones stay resolved. Returns how many records.

        Raises psycopg's LockNotAvailable when a run keeps these records locked: after less time than Postgres takes to
        find a deadlock, so that the run is never the one to be cancelled.
        """
        self.connection.execute("set local lock_timeout = '500ms'")
        ignored = kind is ActionKind.IGNORE
        values = {
            "audit": audit,
            "status": _DECIDED[kind],
            "from_statuses": _FROM_STATUSES[kind],
            "reason": reason if ignored else None,
            "until": until if ignored else None,
        }
        return self.connection.execute(load_statement("ledger/audit_decide"), values).rowcount

    def note_problem(self, audit: int, problem: str) -> None:
        """Record why the runs of a retry could not be started."""
        self.connection.execute(load_statement("ledger/audit_problem"), {"audit": audit, "problem": problem})

    def preview(self, kind: ActionKind, selection: Selection) -> list[PreviewLine]:
        """Return what an action would do; nothing changes."""
        values = asdict(selection) | {"from_statuses": _FROM_STATUSES[kind]} | self._exporters
        with self.connection.cursor(row_factory=class_row(PreviewLine)) as cursor:
            return cursor.execute(load_statement("ledger/audit_preview"), values).fetchall()

    @property
    def _exporters(self) -> dict[str, Jsonb]:
        return {"exporters": Jsonb(dict(self.exporters))}

    def errors_to_retry(self, audit: int, dag_id: str, stream: str) -> list[int]:
        """Return the errors of a stream that a person asked this DAG to send again."""
        values = {"audit": audit, "dag_id": dag_id, "stream": stream}
        return [row[0] for row in self.connection.execute(load_statement("ledger/audit_errors"), values)]

    def read(self, audit: int) -> Action | None:
        """Return an action, None when there is none with that id."""
        with self.connection.cursor(row_factory=class_row(Action)) as cursor:
            return cursor.execute(load_statement("ledger/audit_action"), {"audit": audit}).fetchone()

    def results(self, audit: int, *, finished: list[str], after: int, limit: int) -> Results:
        """Return what happened to the records; `finished` are the DAGs whose run has ended."""
        values = {"audit": audit, "finished": finished, "after": after, "limit": limit}
        with self.connection.cursor(row_factory=dict_row) as cursor:
            row = fetch_one(cursor.execute(load_statement("ledger/audit_results"), values))
        return Results(row["counts"], [RecordLine(**record) for record in row["records"]])

    def last_changes(self) -> dict[str, SettingChange]:
        """Return the last change of each setting that was made on the page."""
        with self.connection.cursor(row_factory=class_row(SettingChange)) as cursor:
            return {change.setting: change for change in cursor.execute(load_statement("ledger/audit_setting"))}

    def list(self, before: int | None, limit: int) -> list[AuditEntry]:
        """Return what people did, newest first."""
        with self.connection.cursor(row_factory=class_row(AuditEntry)) as cursor:
            return cursor.execute(load_statement("ledger/audit_list"), {"before": before, "limit": limit}).fetchall()

"""The tables ExportAlerts and ExportAlertDeliveries: the alerts, and what each channel was sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import psycopg
from psycopg.rows import class_row

from include.sql import fetch_one, load_statement

PENDING_LIMIT = 200  # alerts in one message; the next run sends the rest
SEVERITIES = ("critical", "warning", "info")
AlertKind = Literal["held", "rejected", "run_failed", "quota", "lag", "purge", "finding", "new_field", "audit"]
Severity = Literal["critical", "warning", "info"]
NEW_FIELD = "new_field"  # the kind of an alert about a field that exported rows do not have yet


@dataclass(frozen=True)
class PendingAlert:
    """An alert that a channel has not been sent: `event` is raised, reminder or cleared.

    `error` to `resolved_by` describe the export error of the alert, None without one. `records` counts the open
    records of a cause, or the open findings of a kind.
    """

    id: int
    key: str
    kind: AlertKind
    severity: Severity
    stream: str | None
    subject: str
    message: str | None
    event: str
    raised_at: datetime
    cleared_at: datetime | None
    times: int
    error: int | None
    object: str | None
    record_key: str | None
    external_id: str | None
    salesforce_id: str | None
    operation: str | None
    error_code: str | None
    error_message: str | None
    error_fields: list[str] | None
    attempts: int | None
    resolved_by: str | None
    instance_url: str | None
    since: str
    rows_waiting: int | None
    records: int | None


@dataclass(frozen=True)
class OpenAlert:
    """An open alert, or an audit alert of the last week, as the page lists it."""

    id: int
    kind: str
    severity: str
    stream: str | None
    subject: str
    message: str | None
    error: int | None
    times: int
    raised_at: datetime
    sent_at: datetime | None
    read_at: datetime | None
    record_key: str | None
    error_code: str | None
    error_name: str | None
    error_message: str | None


@dataclass(frozen=True)
class ListedAlert(PendingAlert):
    """An alert of any state, as the page lists it; `event` is raised while it is open, then cleared."""

    sent_at: datetime | None
    read_at: datetime | None
    read_by: str | None


@dataclass(frozen=True)
class AlertCounts:
    """How many alerts are open, how many are unread, and how many of the unread are critical."""

    open: int = 0
    unread: int = 0
    critical: int = 0


@dataclass(frozen=True)
class ExportAlerts:
    """The tables, at one connection."""

    connection: psycopg.Connection

    def take_turn(self, channel: str) -> bool:
        """Take the lock of a channel; return False while another run is sending to it."""
        row = self.connection.execute(load_statement("ledger/alerts_lock"), {"channel": channel}).fetchone()
        return bool(row and row[0])

    def give_turn(self, channel: str) -> None:
        """Release the lock of a channel; a dying process releases it with its connection."""
        self.connection.execute(load_statement("ledger/alerts_unlock"), {"channel": channel})

    def find_pending(
        self, channel: str, *, severities: Sequence[str] = SEVERITIES, streams: Sequence[str] | None = None
    ) -> list[PendingAlert]:
        """Return what a channel has not been sent, most severe first; `streams` None means all."""
        values = {
            "channel": channel,
            "severities": list(severities),
            "streams": None if streams is None else list(streams),
            "limit": PENDING_LIMIT,
        }
        with self.connection.cursor(row_factory=class_row(PendingAlert)) as cursor:
            return cursor.execute(load_statement("ledger/alerts_pending"), values).fetchall()

    def note_delivered(self, channel: str, alerts: Sequence[PendingAlert]) -> None:
        """Record that a channel was sent these alerts."""
        values: dict[str, Any] = {
            "channel": channel,
            "alerts": [alert.id for alert in alerts],
            "events": [alert.event for alert in alerts],
        }
        self.connection.execute(load_statement("ledger/alerts_delivered"), values)

    def raise_alert(
        self,
        key: str,
        kind: str,
        *,
        severity: str,
        subject: str,
        message: str | None,
        stream: str | None = None,
        error: int | None = None,
    ) -> None:
        """Raise an alert that no trigger raises; if it is open already, it gets the new message."""
        values = {
            "key": key, "kind": kind, "severity": severity, "stream": stream, "subject": subject, "message": message,
            "error": error,
        }  # fmt: skip
        self.connection.execute(load_statement("ledger/alerts_raise"), values)

    def clear(self, key: str) -> None:
        """Clear an alert that no trigger raises; does nothing if it is not open."""
        self.connection.execute(load_statement("ledger/alerts_clear"), {"key": key})

    def explains_failure(self, stream: str) -> bool:
        """Return whether an open alert already explains why tasks of a stream fail: a hold, or a failed run."""
        row = self.connection.execute(load_statement("ledger/alerts_explain"), {"stream": stream}).fetchone()
        return bool(row and row[0])

    def raise_purges(self, stream: str, purged_after: timedelta) -> None:
        """Raise an alert for each rejected delete whose source row is purged within two days; clear the others."""
        values = {"stream": stream, "purged_after": purged_after}
        found = self.connection.execute(load_statement("ledger/alerts_purged"), values).fetchall()
        keys = {f"purge:{stream}:{record_key}": (error, record_key, when) for error, record_key, when in found}
        for key, (error, record_key, when) in keys.items():
            self.raise_alert(
                key, "purge", severity="critical", stream=stream, subject=record_key, message=when, error=error
            )
        cleared = {"stream": stream, "keys": list(keys)}
        self.connection.execute(load_statement("ledger/alerts_purge_clear"), cleared)

    def list_open(self, limit: int) -> list[OpenAlert]:
        """Return the open alerts and the audit alerts of the last week, unread first, then newest first."""
        with self.connection.cursor(row_factory=class_row(OpenAlert)) as cursor:
            return cursor.execute(load_statement("ledger/alerts_open"), {"limit": limit}).fetchall()

    def list_page(self, limit: int, *, before: datetime | None = None, cleared: bool = False) -> list[ListedAlert]:
        """Return a page of alerts, newest first: the open ones and the audit alerts of the last week, or all.

        `before` is the `raised_at` of the last alert of the previous page. More than `limit` are returned if the last
        of them were raised at the same moment.
        """
        values = {"limit": limit, "before": before, "all": cleared}
        with self.connection.cursor(row_factory=class_row(ListedAlert)) as cursor:
            return cursor.execute(load_statement("ledger/alerts_list"), values).fetchall()

    def count(self) -> AlertCounts:
        """Count the open alerts, and the unread ones."""
        with self.connection.cursor(row_factory=class_row(AlertCounts)) as cursor:
            return fetch_one(cursor.execute(load_statement("ledger/alerts_count")))

    def find_subjects(self, kind: str, stream: str) -> list[str]:
        """Return the subjects of a stream's open alerts of a kind, such as its new fields."""
        values = {"kind": kind, "stream": stream}
        return [row[0] for row in self.connection.execute(load_statement("ledger/alerts_subjects"), values)]

    def mark_read(self, by: str, alerts: Sequence[int] | None = None, *, until: datetime | None = None) -> int:
        """Mark alerts as read by a person, all if none is named; returns how many were unread.

        Alerts raised after `until`, which the person has not seen, stay unread.
        """
        values = {"by": by, "alerts": None if alerts is None else list(alerts), "until": until}
        return self.connection.execute(load_statement("ledger/alerts_read"), values).rowcount

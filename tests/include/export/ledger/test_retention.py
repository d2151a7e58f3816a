"""Retention: history is deleted after its days, in slices; open errors, the audit and the rows they refer to stay."""

from __future__ import annotations

import pytest

from exporter import Exporter
from include.export.ledger import retention
from include.export.ledger.retention import Retention

AGED = {
    "ExportRuns": ("started_at", "ended_at"),
    "ExportBatches": ("planned_at", "settled_at"),
    "ExportErrors": ("resolved_at", "first_seen_at", "last_seen_at"),
    "ExportErrorAttempts": ("attempted_at",),
    "ExportAlerts": ("raised_at", "cleared_at"),
    "ExportFindings": ("closed_at",),
}


def age(exporter: Exporter, days: int) -> None:
    """Move all times days back."""
    for table, columns in AGED.items():
        moved = ", ".join(f"{column} = {column} - {days} * interval '1 day'" for column in columns)
        exporter.connection.execute(f"update crm_export.{table} set {moved}")


def count(exporter: Exporter, table: str) -> int:
    row = exporter.connection.execute(f"select count(*) from crm_export.{table}").fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture
def history(exporter: Exporter) -> Exporter:
    """Return an exporter with runs, a resolved error, an open one with three attempts, and cleared alerts."""
    exporter.add({"id": 1}, {"id": 2, "kind": "Nonsense"}, {"id": 3, "kind": "Nonsense"})
    for _ in range(2):
        exporter.run(pause=False)
        exporter.reexport(every=True)
    exporter.change(2, 9, kind=None)
    exporter.run(pause=False)
    return exporter


def test_history_is_deleted_after_its_days_and_not_before(history: Exporter) -> None:
    age(history, 89)
    assert set(Retention(history.connection, 90).purge().values()) == {0}
    age(history, 2)
    purged = Retention(history.connection, 90).purge()
    assert purged["errors"] == 1
    assert purged["batches"] > 0
    assert purged["attempts"] > 0
    assert [error["record_key"] for error in history.errors()] == ["3"], "the open error stays"
    assert count(history, "ExportErrorAttempts") == 2, "its first and its last attempt stay"
    assert count(history, "ExportBatches") == 0
    assert count(history, "ExportRuns") == 2, "the last run of each kind stays"


def test_slices_go_on_until_nothing_is_left(history: Exporter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "SLICE_ROWS", 1)
    age(history, 91)
    assert Retention(history.connection, 90).purge()["batches"] > 1
    assert count(history, "ExportBatches") == 0


def test_an_export_goes_on_from_what_is_kept(history: Exporter) -> None:
    age(history, 91)
    Retention(history.connection, 90).purge()
    assert history.run(pause=False).rows_sent == 0
    history.connection.execute("update app.accounts set kind = null")
    assert history.reexport(every=True).exported == 1


def test_a_parent_that_others_wait_for_stays(history: Exporter) -> None:
    history.connection.execute(
        "update crm_export.ExportErrors set status = 'waiting', waiting_for ="
        " (select id from crm_export.ExportErrors where status = 'resolved' limit 1) where status = 'open'"
    )
    age(history, 91)
    assert Retention(history.connection, 90).purge()["errors"] == 0

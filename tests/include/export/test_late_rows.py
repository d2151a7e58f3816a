"""Rows that a change time cannot show: back-dated, set by a slow clock, restored, moved below the watermark."""

from __future__ import annotations

import pytest

from exporter import Exporter


def test_normal_load_finds_nothing(exporter: Exporter) -> None:
    exporter.add_many(1, 300)
    exporter.run()
    assert (exporter.reconcile().compared, exporter.reconcile().late) == (300, 0)
    for account in range(1, 60):
        exporter.change(account, 100 + account, name=f"changed {account}")
    exporter.connection.execute("delete from app.accounts where id between 100 and 120")
    exporter.run()
    report = exporter.reconcile()
    assert (report.compared, report.late, report.api_calls) == (279, 0, 0)


@pytest.mark.fault("A10")
def test_every_back_dated_row_is_exported_and_counted(exporter: Exporter) -> None:
    exporter.add_many(1, 300)
    exporter.run()
    exporter.reconcile()
    for account in (3, 150, 299):  # an update with a change time below the watermark
        exporter.connection.execute(
            "update app.accounts set name = 'late', changed_at = changed_at - interval '1 ms' where id = %s", [account]
        )
    exporter.add({"id": 1000, "minute": -5}, {"id": 1001, "minute": 2})  # inserted by a clock that is slow
    assert exporter.run().rows_sent == 0
    report = exporter.reconcile()
    assert (report.late, report.exported, report.refused) == (5, 5, 0)
    names = exporter.names()
    assert [names[f"A{n}"] for n in (3, 150, 299)] == ["late"] * 3
    assert {"A1000", "A1001"} < names.keys()
    assert exporter.reconcile().late == 0

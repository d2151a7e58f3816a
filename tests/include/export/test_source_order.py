"""The warning about a source without the index of positions."""

from __future__ import annotations

import pytest

from exporter import Exporter


def fill(exporter: Exporter) -> None:
    exporter.add_many(1, 12_000)
    exporter.connection.execute("analyze app.accounts")


def test_a_large_source_without_the_index_is_told_once_a_run(
    exporter: Exporter, caplog: pytest.LogCaptureFixture
) -> None:
    fill(exporter)
    exporter.connection.execute("drop index app.accounts_changed_at_id_idx")
    exporter.run(daily_api_limit=1)
    [told] = [record.getMessage() for record in caplog.records if "no index gives the rows" in record.getMessage()]
    assert told.endswith('create index concurrently on … ("changed_at", "id")')


def test_with_the_index_nothing_is_told(exporter: Exporter, caplog: pytest.LogCaptureFixture) -> None:
    fill(exporter)
    exporter.run(daily_api_limit=1)
    assert "no index gives the rows" not in caplog.text

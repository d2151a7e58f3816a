"""Reads of a large source: plans use the index, however large the backlog."""

from __future__ import annotations

import json
from typing import Any

import pytest
from psycopg import sql

from exporter import Exporter
from include.export.positions import Position
from include.export.source.source import Source

ROWS = 60_000


@pytest.fixture
def crowded(exporter: Exporter) -> Exporter:
    """Return an exporter over many accounts."""
    exporter.add_many(1, ROWS)
    exporter.connection.execute("vacuum (analyze) app.accounts")
    return exporter


def explain(exporter: Exporter, statement: Any, values: dict[str, Any]) -> dict[str, Any]:
    """Run a statement and return the root of its plan."""
    source = exporter.connection.execute(
        "explain (analyze, buffers, format json) " + statement.as_string(exporter.connection), values
    ).fetchone()
    assert source is not None
    return json.loads(json.dumps(source[0]))[0]["Plan"]


@pytest.mark.parametrize("done", [1, ROWS // 2, ROWS - 1])
@pytest.mark.parametrize("name", ["source_unreadable", "source_peek", "source_count"])
def test_what_a_held_run_reads_is_small_wherever_it_is_held(crowded: Exporter, name: str, done: int) -> None:
    source = Source(crowded.stream, crowded.connection)
    found = crowded.connection.execute("select changed_at::text from app.accounts where id = %s", [done]).fetchone()
    assert found is not None
    after = Position(found[0], str(done))
    unreadable = name == "source_unreadable"
    parts = {"lacks_key": sql.SQL("false")} if unreadable else {}
    statement = source.compose(f"source/{name}", None if unreadable else after, **parts)
    values = {"horizon": "2026-12-01T00:00:00Z", "limit": 1_001, **after.as_values()}
    plan = explain(crowded, statement, values)
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 40


def test_recording_rejections_does_not_read_all_errors_for_each(exporter: Exporter) -> None:
    exporter.connection.execute(
        "insert into crm_export.ExportErrors (stream, object, record_key, external_id, operation, error_code,"
        " error_name, error_class, error_message, dag_id, run_id)"
        " select 'others', 'Account', n, 'X' || n, 'upsert', 'C', 'C', 'record', 'm', 'd', 'r'"
        " from generate_series(1, 30000) n"
    )
    exporter.connection.execute("analyze crm_export.ExportErrors")
    exporter.add(*({"id": n, "name": "bad"} for n in range(1, 26)))
    before = count_errors_read(exporter)
    assert exporter.run(pause=False).rejected == 25
    assert count_errors_read(exporter) - before < 100_000  # the analyze above reads 30,000


def count_errors_read(exporter: Exporter) -> int:
    exporter.connection.execute("select pg_stat_force_next_flush()")
    found = exporter.connection.execute(
        "select seq_tup_read + idx_tup_fetch from pg_stat_user_tables where relname = 'exporterrors'"
    ).fetchone()
    assert found is not None
    return int(found[0])

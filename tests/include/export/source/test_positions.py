"""Rows that share a position: a table whose key is not unique is rejected, a run over a view stops at them."""

from __future__ import annotations

import pytest

from exporter import Exporter, make_stream
from include.export.failures import ConfigurationFailure
from include.export.ledger.runs import Outcome

FIELDS = {"Ext__c": "ext", "Name": "name"}
BOTH = pytest.mark.parametrize("bulk_from", [None, 20], ids=["collections", "bulk"])


def make_table(exporter: Exporter, key: str, more: str = "") -> None:
    exporter.connection.execute(
        f"create table app.sold (id {key}, ext text, name text, changed_at timestamptz not null) {more}"
    )
    exporter.stream = make_stream(source="app.sold", deleted=None, fields=FIELDS)


def fill(exporter: Exporter, first: int, last: int) -> None:
    """Insert rows with the same change time."""
    exporter.connection.execute(
        "insert into app.sold select n, 'E' || n, 'Name ' || n, '2026-01-01Z' from generate_series(%s::int, %s::int) n",
        [first, last],
    )


def rejection_of(exporter: Exporter) -> str:
    with pytest.raises(ConfigurationFailure) as rejected:
        exporter.run()
    assert exporter.calls() == []
    assert exporter.watermark() is None
    return str(rejected.value)


@pytest.mark.field("F31")
def test_a_key_without_a_unique_index_is_rejected_with_the_statement_that_creates_it(exporter: Exporter) -> None:
    make_table(exporter, "integer not null")
    fill(exporter, 1, 5)
    message = rejection_of(exporter)
    assert "key id does not identify the rows of app.sold" in message
    exporter.connection.execute(message.partition("or run: ")[2])
    assert exporter.run().accepted == 5


def test_a_key_that_may_be_null_is_rejected(exporter: Exporter) -> None:
    make_table(exporter, "integer unique")
    message = rejection_of(exporter)
    assert "it may be NULL" in message
    exporter.connection.execute(message.partition("or run: ")[2])
    assert exporter.run().outcome is Outcome.COMPLETE


@pytest.mark.parametrize(
    "index",
    [
        "create unique index on app.sold (id) where name <> 'x'",
        "create unique index on app.sold ((id + 0))",
        "create unique index on app.sold (id, changed_at)",
        "create index on app.sold (id)",
    ],
    ids=["partial", "expression", "two columns", "not unique"],
)
def test_an_index_that_proves_nothing_does_not_count(exporter: Exporter, index: str) -> None:
    make_table(exporter, "integer not null")
    exporter.connection.execute(index)
    assert "no valid unique index covers exactly this column" in rejection_of(exporter)


@pytest.mark.parametrize(
    "key",
    ["integer primary key deferrable initially deferred", "integer not null unique nulls not distinct"],
)
def test_any_unique_constraint_over_the_column_counts(exporter: Exporter, key: str) -> None:
    make_table(exporter, key)
    exporter.connection.execute("alter table app.sold add unique (id) include (name)")
    fill(exporter, 1, 3)
    assert exporter.run().accepted == 3


def test_an_index_that_failed_to_be_built_does_not_count(exporter: Exporter) -> None:
    make_table(exporter, "integer not null")
    fill(exporter, 1, 3)
    fill(exporter, 1, 1)
    with pytest.raises(Exception, match="could not create unique index"):
        exporter.connection.execute("create unique index concurrently on app.sold (id)")
    exporter.connection.execute("delete from app.sold where ctid = (select max(ctid) from app.sold)")
    assert "no valid unique index" in rejection_of(exporter)


def test_a_partitioned_table_is_exported_by_a_key_that_is_unique_in_each_position(exporter: Exporter) -> None:
    make_table(exporter, "integer not null", "partition by range (changed_at)")
    exporter.connection.execute(
        "create table app.sold_1 partition of app.sold for values from ('2026-01-01Z') to ('2026-02-01Z');"
        "create unique index on app.sold (id, changed_at)"
    )
    fill(exporter, 1, 60)
    assert exporter.run().accepted == 60


def test_a_table_divided_by_its_key_needs_its_index(exporter: Exporter) -> None:
    make_table(exporter, "integer not null", "partition by range (id)")
    exporter.connection.execute("create table app.sold_1 partition of app.sold for values from (0) to (100)")
    fill(exporter, 1, 30)
    message = rejection_of(exporter)
    assert "concurrently" not in message
    exporter.connection.execute(message.partition("or run: ")[2])
    assert exporter.run().accepted == 30


@BOTH
@pytest.mark.field("F31")
@pytest.mark.parametrize("pause", [True, False], ids=["on", "off"])
def test_a_run_over_a_view_stops_when_two_rows_share_a_position(
    exporter: Exporter, bulk_from: int | None, pause: bool
) -> None:
    """Two of 60 rows with one change time have the same key: no row behind them is silently skipped."""
    make_table(exporter, "integer")
    fill(exporter, 1, 60)
    fill(exporter, 45, 45)
    exporter.connection.execute("create view app.seen as select * from app.sold")
    exporter.stream = make_stream(
        source="app.seen", deleted=None, fields=FIELDS, bulk_from=bulk_from, bulk_from_paused=bulk_from
    )
    for _ in range(2):
        with pytest.raises(ConfigurationFailure, match="two rows share the key id = 45, so one of them would never"):
            exporter.run(pause=pause)
    assert int(exporter.watermark() or 0) < 45
    exporter.connection.execute("delete from app.sold where ctid = (select max(ctid) from app.sold)")
    assert exporter.run(pause=pause).outcome is Outcome.COMPLETE
    assert len(exporter.names()) == 60


@pytest.mark.parametrize("size", [25, 26])
def test_rows_that_share_a_position_are_seen_across_the_end_of_a_batch(exporter: Exporter, size: int) -> None:
    make_table(exporter, "integer")
    fill(exporter, 1, 40)
    fill(exporter, size, size)
    exporter.connection.execute("create materialized view app.seen as select * from app.sold")
    exporter.stream = make_stream(source="app.seen", deleted=None, fields=FIELDS)
    with pytest.raises(ConfigurationFailure, match=f"share the key id = {size}"):
        exporter.run(batch_size=25)


@BOTH
def test_a_row_of_a_view_without_a_key_stops_the_run(exporter: Exporter, bulk_from: int | None) -> None:
    make_table(exporter, "integer")
    fill(exporter, 1, 60)
    exporter.connection.execute(
        "create view app.seen as select nullif(id, 60) as id, ext, name, changed_at from app.sold"
    )
    exporter.stream = make_stream(source="app.seen", deleted=None, fields=FIELDS, bulk_from=bulk_from)
    with pytest.raises(ConfigurationFailure, match="a row has no id"):
        exporter.run(pause=False)


@pytest.mark.field("F31")
def test_the_daily_job_stops_at_rows_that_share_a_key(exporter: Exporter) -> None:
    make_table(exporter, "integer")
    fill(exporter, 1, 5)
    exporter.connection.execute("update app.sold set name = 'bad' where id = 3")
    exporter.connection.execute("create view app.seen as select * from app.sold")
    exporter.stream = make_stream(source="app.seen", deleted=None, fields=FIELDS)
    assert exporter.run(pause=False).rejected == 1
    exporter.connection.execute("insert into app.sold values (3, 'E3', 'other', '2025-01-01Z')")
    with pytest.raises(ConfigurationFailure, match="share the key id = 3"):
        exporter.reexport(every=True)
    assert [error["status"] for error in exporter.errors()] == ["open"]
    with pytest.raises(ConfigurationFailure, match="share the key id = 3"):
        exporter.reconcile()

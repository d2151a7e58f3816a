"""The warnings about missing indexes of positions and external ids."""

from __future__ import annotations

import pytest

from exporter import Exporter, make_stream


def fill(exporter: Exporter) -> None:
    exporter.add_many(1, 12_000)
    exporter.connection.execute("analyze app.accounts")


@pytest.mark.parametrize(
    ("index", "words", "columns"),
    [
        ("accounts_changed_at_id_idx", "no index returns the rows", '("changed_at", "id")'),
        ("accounts_ext_idx", "no index finds rows", '("ext")'),
    ],
)
def test_a_large_source_without_an_index_is_reported_once_a_run(
    exporter: Exporter, caplog: pytest.LogCaptureFixture, index: str, words: str, columns: str
) -> None:
    fill(exporter)
    exporter.connection.execute(f"drop index app.{index}")
    exporter.run(daily_api_limit=1)
    [message] = [record.getMessage() for record in caplog.records if words in record.getMessage()]
    assert message.endswith(f'create index concurrently on "app"."accounts" {columns}')


def test_with_the_index_nothing_is_reported(exporter: Exporter, caplog: pytest.LogCaptureFixture) -> None:
    fill(exporter)
    exporter.run(daily_api_limit=1)
    assert "no index returns the rows" not in caplog.text


def test_with_an_index_on_the_external_id_or_where_it_is_the_key_nothing_is_reported(
    exporter: Exporter, caplog: pytest.LogCaptureFixture
) -> None:
    fill(exporter)
    exporter.run(daily_api_limit=1)
    exporter.connection.execute(
        "drop index app.accounts_ext_idx; alter table app.accounts alter ext set not null, add unique (ext)"
    )
    exporter.stream = make_stream(key="ext", external_id="Ext__c")
    exporter.run(daily_api_limit=1)
    assert "no index finds rows" not in caplog.text


@pytest.mark.field("Fb")
@pytest.mark.parametrize(
    ("create", "words"),
    [
        (
            "create table app.parts (like app.accounts) partition by range (id);"
            "create table app.part_1 partition of app.parts for values from (0) to (9999999);"
            "alter table app.parts add primary key (id);"
            "insert into app.parts select * from app.accounts",
            'create index on "app"."parts" ("changed_at", "id")',
        ),
        (
            "drop index app.accounts_changed_at_id_idx; create view app.parts as select * from app.accounts",
            'on the table below the view: create index concurrently on … ("changed_at", "id")',
        ),
        (
            "create materialized view app.parts as select * from app.accounts",
            'create index concurrently on "app"."parts" ("changed_at", "id")',
        ),
    ],
    ids=["partitioned", "view", "materialized"],
)
def test_the_advice_can_be_followed_whatever_the_source_is(
    exporter: Exporter, caplog: pytest.LogCaptureFixture, create: str, words: str
) -> None:
    fill(exporter)
    exporter.connection.execute(create)
    exporter.connection.execute("analyze")
    exporter.stream = make_stream(source="app.parts")
    exporter.run(daily_api_limit=1)
    [message] = [each.getMessage() for each in caplog.records if "no index returns the rows" in each.getMessage()]
    assert message.endswith(words)

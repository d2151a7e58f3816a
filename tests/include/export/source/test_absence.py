"""Rows that are not found are not always deleted: policies, foreign servers, views with filters."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from psycopg.conninfo import make_conninfo

from exporter import Exporter, make_stream
from include.export.failures import ConfigurationFailure
from include.export.ledger.runs import Outcome
from include.export.postgres import open_session
from include.export.reconcile.orphans import report_orphans
from include.export.source import Source, count_waiting_changes, find_gone, read_source_row


@pytest.fixture
def policy(exporter: Exporter, database: str) -> Iterator[None]:
    """Run the exporter as a role from which a policy hides accounts of kind B."""
    owner = exporter.owner = exporter.connection
    owner.execute(
        "create role filtered login; grant usage on schema crm_export, app to filtered;"
        " grant select, insert, update, delete on all tables in schema crm_export, app to filtered;"
        " grant execute on all functions in schema crm_export to filtered;"
        " alter table app.accounts enable row level security;"
        " create policy no_b on app.accounts using (kind is distinct from 'B')"
    )
    exporter.connection = open_session(make_conninfo(database, user="filtered"))
    yield
    exporter.connection.close()
    exporter.connection = owner
    owner.execute("drop owned by filtered; drop role filtered")


def hide(exporter: Exporter, *keys: int) -> None:
    exporter.source.execute("update app.accounts set kind = 'B' where id = any (%s)", [list(keys)])


@pytest.mark.field("F9")
@pytest.mark.usefixtures("policy")
class TestPolicies:
    def test_the_task_is_red_and_names_the_table_and_the_policy(self, exporter: Exporter) -> None:
        exporter.add({"id": 1}, {"id": 2})
        with pytest.raises(ConfigurationFailure, match=r"app\.accounts \(policy no_b\)") as caught:
            exporter.run()
        assert "alter role filtered bypassrls" in str(caught.value)
        assert "row_security: true" in str(caught.value)
        assert (exporter.calls(), exporter.errors(), exporter.watermark()) == ([], [], None)

    def test_nothing_is_resolved_and_no_hold_ends_while_the_policy_hides_rows(self, exporter: Exporter) -> None:
        as_role, exporter.connection = exporter.connection, exporter.source
        exporter.add({"id": 1}, {"id": 2, "name": "bad"}, {"id": 3})
        assert exporter.run().outcome is Outcome.HELD
        exporter.gate()
        exporter.connection = as_role
        hide(exporter, 2)
        for task in (exporter.run, exporter.reexport, exporter.reconcile, lambda: report_orphans(exporter.inputs())):
            with pytest.raises(ConfigurationFailure, match="policy no_b"):
                task()  # type: ignore[operator] # functions of different arguments
        assert exporter.gate() is not None
        assert [error["status"] for error in exporter.errors()] == ["open"]

    def test_a_view_over_the_table_does_not_bypass_the_policy(self, exporter: Exporter) -> None:
        exporter.source.execute(
            "create view app.seen with (security_invoker = true) as select * from app.accounts;"
            " grant select on app.seen to filtered"
        )
        exporter.stream = make_stream(source="app.seen")
        exporter.add({"id": 1})
        with pytest.raises(ConfigurationFailure, match=r"app\.accounts \(policy no_b\)"):
            exporter.run()

    def test_the_page_says_why_it_counts_and_shows_nothing(self, exporter: Exporter) -> None:
        exporter.add({"id": 1})
        waiting = count_waiting_changes(exporter.stream, None, exporter.connection)
        assert "policy no_b" in str(waiting.problem)
        with pytest.raises(ConfigurationFailure, match="policy no_b"):
            read_source_row(exporter.stream, "1", connection=exporter.connection)

    @pytest.mark.parametrize("bulk_from", [None, 30])
    def test_a_stream_that_wants_the_policy_exports_what_it_admits(
        self, exporter: Exporter, bulk_from: int | None
    ) -> None:
        exporter.stream = make_stream(row_security=True, bulk_from=bulk_from)
        exporter.options |= {"poll_delays": (0.02, 0.05)}
        exporter.add_many(1, 100)
        hide(exporter, 3, 50)
        report = exporter.run(pause=False)
        assert (report.outcome, report.accepted) == (Outcome.COMPLETE, 98)
        assert {"A3", "A50"} & set(exporter.names()) == set()

    def test_its_hidden_rows_never_count_as_deleted(self, exporter: Exporter) -> None:
        exporter.stream = make_stream(row_security=True)
        exporter.add({"id": 1}, {"id": 2, "name": "bad"}, {"id": 3})
        assert exporter.run().outcome is Outcome.HELD
        exporter.gate()
        hide(exporter, 2)
        assert exporter.run().outcome is Outcome.HELD
        assert exporter.gate() is not None
        assert exporter.names() == {"A1": "Account 1"}, "nothing newer is sent"
        exporter.run(pause=False)
        report = exporter.reexport(every=True)
        assert (report.gone, report.not_seen) == (0, 1)
        assert [error["status"] for error in exporter.errors()] == ["open"]
        assert report_orphans(exporter.inputs()).message.startswith(
            "Not compared: app.accounts may have rows that cannot be seen"
        )


@pytest.mark.field("F9")
def test_a_row_whose_key_the_index_does_not_find_does_not_count_as_deleted(exporter: Exporter) -> None:
    """The second check compares texts, so neither a broken index nor the key's type matters."""
    exporter.add({"id": 1}, {"id": 2})
    with exporter.connection.transaction():
        assert find_gone(Source(exporter.stream, exporter.connection), ["1", "2", "3"]) == ["3"]


@pytest.mark.field("F9")
def test_rows_of_a_foreign_server_never_count_as_deleted(exporter: Exporter, database: str) -> None:
    info = exporter.connection.info
    exporter.connection.execute(
        "create extension postgres_fdw with schema public;"
        f" create server here foreign data wrapper postgres_fdw options (host '127.0.0.1', port '{info.port}',"
        f" dbname '{info.dbname}'); create user mapping for current_user server here options (user 'postgres');"
        " create foreign table app.far (id integer, ext text, name text, kind text, amount numeric, notes text,"
        " changed_at timestamptz, deleted_at timestamptz) server here"
        " options (schema_name 'app', table_name 'accounts');"
        " create view app.far_seen as select * from app.far"
    )
    for source in ("app.far", "app.far_seen"):
        stream = make_stream(source=source)
        with exporter.connection.transaction():
            assert find_gone(Source(stream, exporter.connection), ["99"]) == []

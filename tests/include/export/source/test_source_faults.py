"""The source and Postgres fail, wait or change during a run: nothing is lost or acknowledged early."""

from __future__ import annotations

import contextlib
import logging
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from commit_proxy import CommitProxy
from exporter import Exporter, make_stream
from include.export.failures import ConfigurationFailure, HorizonFailure, SourceFailure
from include.export.ledger.runs import Outcome
from include.export.ledger.schema import install_schema
from include.export.postgres import open_session
from killing import Story, targets
from local_stack.postgres import EmbeddedPostgres
from points import Point, Points, PointSession
from points import connect as connect_counting

Connect = Callable[..., psycopg.Connection]
PATCH = "before PATCH composite/sobjects/Account/Ext__c"
SETTLE = "before commit of: Adds what a batch did to the line of its run"
INSERT = "insert into app.accounts (id, ext, name, changed_at) values (%s, 'A' || %s, %s, now() + %s::interval)"
ROOT = Path(__file__).resolve().parents[4]


def act_at(exporter: Exporter, point: str, act: Callable[[], object]) -> None:
    """Call a function at a point of the next run."""
    points = Points(Point(point), lambda: act() and None)
    exporter.make_session = lambda: PointSession(points)


class TestOpenTransactions:
    """The margin of the horizon is 5 s, so rows are written as if they were almost that old."""

    @pytest.fixture
    def writer(self, connect: Connect) -> psycopg.Connection:
        return connect("application")

    @pytest.mark.fault("A3")
    def test_a_writer_that_began_before_and_writes_after_the_horizon_was_read_is_exported_next(
        self, exporter: Exporter, writer: psycopg.Connection
    ) -> None:
        exporter.add({"id": 1})
        writer.execute("begin; select 1")
        act_at(
            exporter,
            PATCH,
            lambda: (
                writer.execute(INSERT, [2, 2, "late", "-4.9 seconds"]),
                exporter_row(writer, 3),
                writer.execute("commit"),
            ),
        )
        assert exporter.run().rows_changed == 1
        assert exporter.watermark() == "1"
        time.sleep(0.2)
        assert exporter.run().outcome is Outcome.COMPLETE
        assert exporter.names() == {"A1": "Account 1", "A2": "late", "A3": "row 3"}
        assert exporter.errors() == []

    @pytest.mark.fault("A4")
    def test_rows_before_and_behind_a_savepoint_are_exported_and_those_rolled_back_are_not(
        self, exporter: Exporter, writer: psycopg.Connection
    ) -> None:
        exporter.add({"id": 1})
        writer.execute("begin")
        writer.execute(INSERT, [2, 2, "before", "-4.9 seconds"])
        writer.execute("savepoint s")
        writer.execute(INSERT, [3, 3, "rolled back", "-4.9 seconds"])
        writer.execute("rollback to savepoint s")
        writer.execute("do $$ begin perform 1 / 0; exception when division_by_zero then null; end $$")
        writer.execute(INSERT, [4, 4, "behind", "-4.9 seconds"])
        assert exporter.run().rows_changed == 1
        writer.execute("commit")
        time.sleep(0.2)
        assert exporter.run().rows_changed == 2
        assert exporter.names() == {"A1": "Account 1", "A2": "before", "A4": "behind"}

    @pytest.mark.fault("A5")
    def test_a_writer_that_is_rolled_back_sends_nothing(self, exporter: Exporter, writer: psycopg.Connection) -> None:
        exporter.add({"id": 1})
        writer.execute("begin")
        writer.execute(INSERT, [2, 2, "never", "-4.9 seconds"])
        exporter.run()
        writer.execute("rollback")
        time.sleep(0.2)
        before = exporter.last_call()
        assert exporter.run().rows_changed == 0
        assert exporter.calls(before) == []
        assert exporter.names() == {"A1": "Account 1"}

    @pytest.mark.fault("A7")
    def test_a_transaction_that_is_open_for_long_is_named_and_nothing_is_skipped(
        self, exporter: Exporter, writer: psycopg.Connection, caplog: pytest.LogCaptureFixture
    ) -> None:
        exporter.add({"id": 1})
        make_older(exporter.connection, "20 minutes")
        writer.execute("begin; select 1")
        exporter.connection.execute(INSERT, [2, 2, "newer", "-10 minutes"])
        with caplog.at_level(logging.WARNING):
            assert exporter.run().rows_changed == 1
        assert f"pid {writer.info.backend_pid} (application) has a transaction open for 20 minutes" in caplog.text
        writer.execute("commit")
        assert exporter.run().rows_changed == 1
        assert exporter.names() == {"A1": "Account 1", "A2": "newer"}

    @pytest.mark.field("F11")
    def test_the_run_names_the_transaction_and_counts_the_rows_that_wait_for_it(
        self, exporter: Exporter, writer: psycopg.Connection
    ) -> None:
        exporter.add({"id": 1})
        make_older(exporter.connection, "20 minutes")
        writer.execute("begin; select 1")
        exporter.connection.execute(INSERT, [2, 2, "waits", "-10 minutes"])
        exporter.connection.execute(INSERT, [3, 3, "waits", "-9 minutes"])
        report = exporter.run()
        assert report.outcome is Outcome.COMPLETE
        detail = f"2 changed rows wait for a transaction that has been open for 20 min: pid {writer.info.backend_pid}"
        assert detail in report.message
        assert "(application)" in report.message
        kept = exporter.connection.execute(
            "select blocking_pid, blocking_application, rows_blocked, now() - blocking_since > interval '19 minutes'"
            " from crm_export.ExportRuns"
        ).fetchone()
        assert kept == (writer.info.backend_pid, "application", 2, True)

    def test_a_session_that_only_calls_itself_the_exporter_holds_the_horizon(
        self, exporter: Exporter, writer: psycopg.Connection
    ) -> None:
        exporter.add({"id": 1})
        writer.execute("set application_name = 'crm_export'")
        writer.execute("begin")
        writer.execute(INSERT, [2, 2, "late", "-4.9 seconds"])
        time.sleep(0.2)
        assert exporter.run().rows_changed == 1
        writer.execute("commit")
        assert exporter.run().rows_changed == 1

    def test_a_session_that_hides_its_transactions_is_rejected_by_name(
        self, exporter: Exporter, writer: psycopg.Connection
    ) -> None:
        exporter.add({"id": 1})
        writer.execute("set track_activities = off")
        with pytest.raises(HorizonFailure, match=rf"session pid {writer.info.backend_pid} \(application\) hides"):
            exporter.run()
        assert exporter.calls() == []
        writer.execute("set track_activities = on")
        assert exporter.run().outcome is Outcome.COMPLETE


def make_older(connection: psycopg.Connection, age: str) -> None:
    """Make transactions of other sessions look that old, because a test cannot wait that long."""
    definition = connection.execute(
        "select pg_get_functiondef('crm_export.export_horizon(text[], text[])'::regprocedure)"
    ).fetchone()
    assert definition is not None
    older = definition[0].replace("a.xact_start end", f"a.xact_start - interval '{age}' end", 1)
    assert older != definition[0]
    connection.execute(older)


def exporter_row(writer: psycopg.Connection, number: int) -> None:
    writer.execute(INSERT, [number, number, f"row {number}", "-4.9 seconds"])


@pytest.mark.fault("A8")
def test_a_role_that_may_not_call_the_horizon_function_learns_what_to_grant(
    exporter: Exporter, connect: Connect
) -> None:
    owner = exporter.connection
    owner.execute(
        "create role reader login; grant usage on schema crm_export, app to reader;"
        " grant select, insert, update, delete on all tables in schema crm_export, app to reader"
    )
    try:
        exporter.add({"id": 1})
        exporter.connection = connect(user="reader")
        with pytest.raises(HorizonFailure, match="cannot see other sessions") as caught:
            exporter.run()
        assert "grant execute on function crm_export.export_horizon(text[], text[])" in str(caught.value)
        assert exporter.control.requests() == []
    finally:
        exporter.connection = owner
        owner.execute("drop owned by reader; drop role reader")
    assert exporter.run().outcome is Outcome.COMPLETE


@pytest.mark.fault("A11")
def test_a_change_time_before_christ_is_a_position_like_any_other(exporter: Exporter) -> None:
    exporter.connection.execute(
        "insert into app.accounts (id, ext, name, changed_at) values"
        " (1, 'A1', 'old', '0044-03-15 BC'), (2, 'A2', 'older', '4000-01-01 BC')"
    )
    exporter.add({"id": 3})
    exporter.run(batch_size=1)
    assert exporter.watermark() == "3"
    assert exporter.names() == {"A1": "old", "A2": "older", "A3": "Account 3"}
    assert exporter.run().rows_changed == 0


@pytest.mark.fault("A12")
@pytest.mark.parametrize("point", ["before GET sobjects/Account/describe", PATCH], ids=["before the page", "behind it"])
def test_of_a_row_that_changes_while_the_run_reads_the_newest_version_ends_in_salesforce(
    exporter: Exporter, connect: Connect, point: str
) -> None:
    exporter.add({"id": 1}, {"id": 2})
    act_at(exporter, point, lambda: exporter_change(connect("application"), 1, "newest"))
    exporter.run()
    exporter.run()
    assert exporter.names() == {"A1": "newest", "A2": "Account 2"}
    assert exporter.watermark() == "1"
    assert [write["fields"]["Name"] for write in exporter.control.writes("Account")][-1] == "newest"
    assert exporter.errors() == []


def exporter_change(connection: psycopg.Connection, number: int, name: str) -> None:
    connection.execute(
        "update app.accounts set name = %s, changed_at = changed_at + interval '1 hour' where id = %s", [name, number]
    )


@pytest.mark.fault("A13")
def test_a_row_that_is_deleted_between_reading_and_sending_is_sent_and_no_error(
    exporter: Exporter, connect: Connect
) -> None:
    exporter.add({"id": 1}, {"id": 2})
    other = connect("application")
    act_at(exporter, PATCH, lambda: other.execute("delete from app.accounts where id = 1"))
    assert exporter.run().accepted == 2
    assert exporter.names() == {"A1": "Account 1", "A2": "Account 2"}
    assert exporter.errors() == []
    assert exporter.run().outcome is Outcome.COMPLETE


@pytest.mark.fault("A16")
def test_a_column_that_is_dropped_after_the_first_run_is_named(exporter: Exporter) -> None:
    exporter.add({"id": 1})
    exporter.run()
    exporter.add({"id": 2})
    exporter.connection.execute("alter table app.accounts drop column notes")
    with pytest.raises(ConfigurationFailure, match=r"fields\.Notes__c names column notes, which app\.accounts"):
        exporter.run()
    assert (exporter.errors(), exporter.watermark()) == ([], "1")


@pytest.mark.field("F28")
class TestSourcesThatReturn:
    def test_a_view_that_is_being_rebuilt_is_retried_once_the_stream_has_a_watermark(self, exporter: Exporter) -> None:
        exporter.stream = make_stream(source="app.seen")
        with pytest.raises(ConfigurationFailure, match=r"app\.seen does not exist") as first:
            exporter.run()
        assert not first.value.retriable
        exporter.connection.execute("create view app.seen as select * from app.accounts")
        exporter.add({"id": 1})
        exporter.run()
        exporter.connection.execute("drop view app.seen")
        with pytest.raises(ConfigurationFailure, match="so the task is retried") as later:
            exporter.run()
        assert later.value.retriable
        exporter.connection.execute("create view app.seen as select * from app.accounts")
        exporter.add({"id": 2})
        assert exporter.run().accepted == 1

    def test_a_grant_that_comes_a_little_later_is_waited_for(self, exporter: Exporter, database: str) -> None:
        exporter.add({"id": 1})
        exporter.run()
        owner = exporter.connection
        owner.execute(
            "create role later login; grant usage on schema crm_export, app to later;"
            " grant select, insert, update, delete on all tables in schema crm_export to later;"
            " grant execute on all functions in schema crm_export to later"
        )
        with open_session(make_conninfo(database, user="later")) as exporter.connection:
            with pytest.raises(ConfigurationFailure, match="permission denied") as rejected:
                exporter.run()
            assert rejected.value.retriable
            owner.execute("grant select on app.accounts to later")
            assert exporter.run().outcome is Outcome.COMPLETE
        exporter.connection = owner
        owner.execute("drop owned by later; drop role later")


@pytest.mark.field("E100")
def test_a_limit_of_postgres_is_not_retried(exporter: Exporter) -> None:
    exporter.add({"id": 1})
    nulls = ", ".join(["null"] * 101)
    exporter.connection.execute(
        "create function app.too_many() returns text language plpgsql as $f$ declare held text; begin"
        f" execute $$ select length(jsonb_build_array({nulls})::text) $$ into held; return held; end $f$;"
        " create view app.wide as select a.*, app.too_many() as wide from app.accounts a where app.too_many() <> ''"
    )
    exporter.stream = make_stream(source="app.wide")
    with pytest.raises(ConfigurationFailure, match="The same statement will fail again") as caught:
        exporter.run()
    assert not caught.value.retriable


@pytest.mark.fault("A16")
def test_a_view_that_breaks_is_reported_in_the_words_of_postgres(exporter: Exporter) -> None:
    exporter.connection.execute(
        "create view app.seen as select id, ext, name, kind, amount, notes, changed_at, deleted_at,"
        " 1 / (3 - id) as breaks from app.accounts where 1 / (3 - id) is not null"
    )
    exporter.stream = make_stream(source="app.seen")
    exporter.add({"id": 1}, {"id": 3})
    for pause in (True, False):
        with pytest.raises(SourceFailure, match="division by zero"):
            exporter.run(pause=pause)
        assert (exporter.errors(), exporter.watermark()) == ([], "1"), "what can be read before that row is exported"
        assert exporter.names() == {"A1": "Account 1"}


@pytest.fixture
def story(exporter: Exporter) -> Story:
    """Return a started story."""
    exporter.options = {"batch_size": 4, "lease_seconds": 0.01}
    story = Story(exporter)
    story.begin()
    return story


class TestTheServerRestarts:
    @pytest.fixture
    def database(self, mortal_postgres: EmbeddedPostgres) -> str:
        with psycopg.connect(mortal_postgres.dsn(), autocommit=True) as connection:
            install_schema(connection)
        return mortal_postgres.dsn()

    @pytest.mark.fault("G3")
    def test_the_run_fails_and_the_next_is_right(
        self, story: Story, mortal_postgres: EmbeddedPostgres, connect: Connect
    ) -> None:
        act_at(story.exporter, PATCH, lambda: (mortal_postgres.kill(), mortal_postgres.start()))
        with pytest.raises(SourceFailure):
            story.exporter.run()
        story.exporter.connection = connect()
        check_and_go_on(story)
        ended = story.exporter.connection.execute(
            "select message from crm_export.ExportRuns where outcome = 'failed'"
        ).fetchall()
        assert len(ended) == 1
        assert ended[0][0].startswith("Postgres was restarted at ")


class TestPostgresFails:
    @pytest.mark.fault("G3")
    def test_a_connection_that_is_cut_at_any_statement_fails_the_run_and_the_next_is_right(
        self, story: Story, database: str, whole: bool
    ) -> None:
        exporter, killer = story.exporter, story.exporter.connection
        names: list[str] = []
        with connect_counting(database, Points(None, lambda: None, names.append)) as exporter.connection:
            exporter.run()
        for target in targets(names, whole=whole):
            exporter.connection = killer
            story.begin()
            points = Points(target, lambda: None)
            victim = connect_counting(database, points)
            points.act = lambda victim=victim: killer.execute(  # type: ignore[misc] # bound here
                "select pg_terminate_backend(%s, 1000)", [victim.info.backend_pid]
            )
            exporter.connection = victim
            with contextlib.suppress(SourceFailure):
                exporter.run()
            victim.close()
            exporter.connection = killer
            check_and_go_on(story)

    @pytest.mark.fault("G4")
    @pytest.mark.parametrize("reached", [True, False], ids=["committed", "not committed"])
    def test_a_commit_whose_outcome_is_not_known_is_neither_lost_nor_applied_twice(
        self, story: Story, database: str, proxy: CommitProxy, reached: bool
    ) -> None:
        exporter, direct = story.exporter, story.exporter.connection
        points = Points(Point(SETTLE), lambda: proxy.cut(answer_only=reached))
        exporter.connection = connect_counting(proxy.dsn_of(database), points)
        with pytest.raises(SourceFailure):
            exporter.run()
        exporter.connection.close()
        exporter.connection = direct
        settled = direct.execute("select count(*) from crm_export.ExportBatches where state = 'SETTLED'").fetchone()
        assert settled == (int(reached),)
        check_and_go_on(story)
        runs = direct.execute("select sum(accepted), sum(rows_sent) from crm_export.ExportRuns").fetchone()
        assert runs == (10, 10)

    @pytest.fixture
    def proxy(self, postgres: EmbeddedPostgres) -> Iterator[CommitProxy]:
        with CommitProxy(postgres.port) as running:
            yield running

    @pytest.mark.fault("G5")
    def test_a_full_disk_of_postgres_fails_the_run_before_anything_is_sent(self, story: Story) -> None:
        connection = story.exporter.connection
        connection.execute(
            "create function app.full() returns trigger language plpgsql as $$ begin"
            " raise exception 'could not extend file: No space left on device' using errcode = 'disk_full'; end $$;"
            " create trigger full_disk before insert on crm_export.ExportBatchRows execute function app.full()"
        )
        with pytest.raises(SourceFailure, match="No space left on device"):
            story.exporter.run()
        assert [call for call in story.exporter.calls() if call["method"] != "GET"] == []
        connection.execute("drop trigger full_disk on crm_export.ExportBatchRows")
        check_and_go_on(story)

    @pytest.mark.fault("G7")
    @pytest.mark.parametrize("hours", [1, -1])
    def test_the_clock_of_the_worker_has_no_effect(
        self, story: Story, monkeypatch: pytest.MonkeyPatch, hours: int
    ) -> None:
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() + 3600 * hours)
        assert story.exporter.run().watermark == "2026-01-01 00:10:00+00 / 10"
        monkeypatch.undo()
        check_and_go_on(story)

    @pytest.mark.fault("G7")
    def test_the_core_asks_the_database_what_time_it_is(self) -> None:
        asking = re.compile(r"time\.time\(|datetime\.now|utcnow|date\.today")
        sources = {path: path.read_text() for path in (ROOT / "include" / "export").rglob("*.py")}
        assert len(sources) > 30
        assert [path.name for path, text in sources.items() if asking.search(text)] == []


def check_and_go_on(story: Story) -> None:
    assert story.exporter.errors() == []
    story.check_moment()
    story.change()
    assert story.exporter.run().outcome is Outcome.COMPLETE
    story.check_moment()
    story.check_end(set())

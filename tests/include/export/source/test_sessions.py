"""Postgres sessions: settings that override the role's, poolers that keep no session, and few connections."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

import hostile
from exporter import Exporter, make_stream
from include.export.failures import ConfigurationFailure, SourceFailure
from include.export.ledger import install_schema
from include.export.ledger.runs import Outcome
from include.export.postgres import open_session, pooler, prepare_session, reject_transaction_pooling, session
from local_stack.postgres import EmbeddedPostgres
from pgbouncer import Pooler, pool_in_front

Connect = Callable[..., psycopg.Connection]


def plain(dsn: str) -> psycopg.Connection:
    return psycopg.connect(dsn, autocommit=True)


@pytest.mark.field("F17", "F22", "F22b", "F22c")
def test_every_setting_of_a_role_is_set_right(database: str) -> None:
    with open_session(database) as owner:
        hostile.make_role(owner)
    as_role = make_conninfo(database, user=hostile.ROLE)
    with plain(as_role) as before:
        assert before.info.parameter_status("client_encoding") == "LATIN1"
    with open_session(as_role) as connection:
        found = dict(connection.execute("select lower(name), setting from pg_settings").fetchall())
    wrong = {
        name: found[name.lower()]
        for name, value in session._SETTINGS.items()
        if name.lower() in found and found[name.lower()] != value
    }
    assert wrong == {}
    assert found["search_path"] == "pg_catalog, pg_temp"
    assert (found["synchronous_commit"], found["enable_indexscan"], found["work_mem"]) == ("on", "on", "4096")


@pytest.mark.field("F22")
def test_settings_are_set_one_by_one_where_the_function_is_taken_away(database: str) -> None:
    with open_session(database) as owner:
        hostile.make_role(owner)
        owner.execute("revoke execute on function set_config(text, text, boolean) from public")
    with open_session(make_conninfo(database, user=hostile.ROLE)) as connection:
        assert connection.execute("show datestyle").fetchone() == ("ISO, YMD",)
        assert connection.execute("show statement_timeout").fetchone() == ("0",)


@pytest.mark.field("F22")
def test_a_setting_that_the_server_forbids_is_named_with_what_to_run(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbidden = {"log_statement": "all"}  # settings that only a superuser may set
    monkeypatch.setattr(session, "_TEXTS", session._TEXTS | forbidden)
    with open_session(database) as owner:
        hostile.make_role(owner)
    connection = plain(make_conninfo(database, user=hostile.ROLE))
    with pytest.raises(ConfigurationFailure, match="does not let role hostile set log_statement") as caught:
        prepare_session(connection, session._SETTINGS | forbidden)
    connection.close()
    assert "alter role hostile set log_statement = 'all';" in str(caught.value)


@pytest.mark.field("F22d")
@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII", "EUC_JIS_2004"])
def test_a_database_that_is_not_in_utf_8_is_one_sentence_at_the_start(
    postgres: EmbeddedPostgres, encoding: str
) -> None:
    name = f"encoded_{encoding.lower()}"
    with plain(postgres.dsn()) as admin:
        admin.execute(f"create database {name} encoding '{encoding}' locale 'C' template template0")
        try:
            with pytest.raises(ConfigurationFailure, match=f"has the encoding {encoding}"):
                open_session(postgres.dsn(name))
        finally:
            admin.execute(f"drop database {name} with (force)")


class TestTransactionPoolers:
    """A pooler is detected before anything is set, read or sent, even when nobody else uses its pool."""

    @pytest.fixture(params=["transaction", "statement"])
    def mode(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.mark.field("F10")
    @pytest.mark.parametrize("size", [1, 2, 5])
    @pytest.mark.parametrize("robin", ["0", "1"], ids=["newest first", "round robin"])
    def test_an_idle_pool_is_rejected(
        self, postgres: EmbeddedPostgres, database: str, mode: str, size: int, robin: str
    ) -> None:
        with pool_in_front(postgres, mode, size=size, server_round_robin=robin) as front:
            check_rejected(front, database)

    @pytest.mark.field("F10")
    def test_a_pool_whose_only_server_is_taken_is_rejected(
        self, postgres: EmbeddedPostgres, database: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pooler, "PROBE_SECONDS", 0.3)
        with pool_in_front(postgres, "transaction", size=1) as front:
            connection = plain(front.dsn_of(database))
            taken: list[psycopg.Connection] = []

            def take_the_server() -> psycopg.Connection:
                taken.append(plain(front.dsn_of(database)))
                taken[0].execute("begin; select 1")
                return plain(front.dsn_of(database))

            with pytest.raises(ConfigurationFailure, match="pool_mode transaction or statement"):
                reject_transaction_pooling(connection, take_the_server)
            taken[0].close()
            connection.close()

    @pytest.mark.field("F10")
    @pytest.mark.parametrize("size", [1, 2, 5])
    def test_a_session_pool_is_not(
        self, postgres: EmbeddedPostgres, database: str, size: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pooler, "PROBE_SECONDS", 0.3)
        with pool_in_front(postgres, "session", size=size) as front, plain(front.dsn_of(database)) as connection:
            reject_transaction_pooling(connection, lambda: plain(front.dsn_of(database)))
            prepare_session(connection)
            assert connection.execute("show datestyle").fetchone() == ("ISO, YMD",)

    @pytest.mark.field("F10")
    def test_without_a_pooler_no_second_connection_is_opened(self, database: str) -> None:
        def never() -> psycopg.Connection:
            raise AssertionError("a second connection was opened")

        with plain(database) as connection:
            reject_transaction_pooling(connection, never)


def check_rejected(front: Pooler, database: str) -> None:
    connection = plain(front.dsn_of(database))
    with pytest.raises(ConfigurationFailure, match="through a session pooler"):
        reject_transaction_pooling(connection, lambda: plain(front.dsn_of(database)))
    connection.close()


@pytest.mark.field("F2")
def test_no_connection_asks_for_options_at_its_start(postgres: EmbeddedPostgres, database: str) -> None:
    """A session pooler rejects a connection that does."""
    with pool_in_front(postgres, "session") as front:
        with pytest.raises(psycopg.OperationalError, match="unsupported startup parameter"):
            psycopg.connect(front.dsn_of(database), options="-c timezone=UTC")
        with open_session(front.dsn_of(database)) as first, session.reconnect(first) as second:
            assert second.execute("show timezone").fetchone() == ("UTC",)


class TestFewConnections:
    @pytest.fixture
    def limited(self, exporter: Exporter, database: str) -> Iterator[Callable[[int], None]]:
        """Return a function that runs the exporter as a role with a limited number of connections."""
        owner = exporter.owner = exporter.connection
        owner.execute(
            "create role limited login; grant usage on schema crm_export, app to limited;"
            " grant select, insert, update, delete on all tables in schema crm_export, app to limited;"
            " grant execute on all functions in schema crm_export to limited"
        )
        exporter.stream = make_stream(bulk_from=30, bulk_from_paused=30)
        exporter.options |= {"poll_delays": (0.02, 0.05)}

        def limit(connections: int) -> None:
            owner.execute(sql.SQL("alter role limited connection limit {}").format(connections))
            exporter.connection = open_session(make_conninfo(database, user="limited"))

        yield limit
        exporter.connection.close()
        exporter.connection = owner
        owner.execute("drop owned by limited; drop role limited")

    @pytest.mark.field("F24")
    @pytest.mark.parametrize("pause", [True, False], ids=["on", "off"])
    def test_one_reader_is_enough(self, exporter: Exporter, limited: Callable[[int], None], pause: bool) -> None:
        limited(2)
        exporter.add_many(1, 800)
        report = exporter.run(pause=pause)
        assert (report.outcome, report.accepted) == (Outcome.COMPLETE, 800)
        jobs = exporter.source.execute(
            "select count(*), count(*) filter (where state = 'SETTLED') from crm_export.ExportBatches"
            " where transport = 'bulk'"
        ).fetchone()
        assert jobs is not None
        assert jobs[0] - jobs[1] <= 1, "what cannot be had is not asked for again"
        assert exporter.reconcile().late == 0, "its versions were noted"

    @pytest.mark.field("F24")
    def test_without_a_reader_the_message_names_the_number(
        self, exporter: Exporter, limited: Callable[[int], None]
    ) -> None:
        limited(1)
        exporter.add_many(1, 400)
        with pytest.raises(SourceFailure, match="too many connections") as caught:
            exporter.run(pause=False)
        assert "needs two connections" in str(caught.value)
        assert "five at full speed" in str(caught.value)


@pytest.mark.field("F23")
def test_every_connection_fetches_the_current_password(exporter: Exporter, database: str) -> None:
    exporter.stream = make_stream(bulk_from=30, bulk_from_paused=30)
    exporter.options |= {"poll_delays": (0.02, 0.05)}
    asked: list[str] = []

    def connect() -> psycopg.Connection:
        asked.append(threading.current_thread().name)
        return open_session(database)

    exporter.connect = connect
    exporter.add_many(1, 400)
    assert exporter.run(pause=False).accepted == 400
    assert len(asked) >= 2, "the rows of a job, and what is noted of them"


def test_functions_of_a_writable_schema_are_never_called(postgres: EmbeddedPostgres, exporter: Exporter) -> None:
    """Our own schema's functions do not call them either, even if others call those with their own search path."""
    owner = exporter.connection
    owner.execute(hostile._TRAP.replace("grant usage, create on schema trap to public;", ""))
    exporter.add({"id": 1, "name": "bad"})
    exporter.run(pause=False)
    owner.execute("set search_path = trap, pg_catalog")
    found = owner.execute("update crm_export.ExportErrors set error_message = 'other' returning cause").fetchone()
    owner.execute("set search_path = pg_catalog, pg_temp")
    assert found == owner.execute("select crm_export.error_cause(object, error_code, error_fields, error_message)"
                                  " from crm_export.ExportErrors").fetchone()  # fmt: skip
    install_schema(owner)

"""Failovers on real servers: a promoted standby and a restored snapshot, which lack the newest transactions."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from exporter import TABLES, Exporter
from include.export.ledger.schema import install_schema
from include.export.positions import Position
from include.export.postgres import open_session
from include.export.reconcile.orphans import report_orphans
from include.export.salesforce.error_catalogue import Catalogue
from local_stack.postgres import EmbeddedPostgres
from salesforce_sandbox.control import Control
from salesforce_sandbox.process import RunningSandbox
from server_folders import open_server_folder


@pytest.fixture
def place() -> Iterator[Path]:
    """Return a folder that the servers' user can access."""
    with open_server_folder("failover") as folder:
        yield folder


@pytest.fixture
def primary(place: Path) -> Iterator[EmbeddedPostgres]:
    """Return a server with the export schema and the accounts."""
    server = EmbeddedPostgres(place / "primary", passwordless=True)
    server.start()
    with connect(server) as connection:
        install_schema(connection)
        connection.execute(TABLES)
    yield server
    server.stop()


def connect(server: EmbeddedPostgres) -> psycopg.Connection:
    """Connect to a server as the exporter does."""
    return open_session(server.dsn())


def exporter_of(server: EmbeddedPostgres, sandbox: Control, running: RunningSandbox, catalogue: Catalogue) -> Exporter:
    """Return an exporter on a server."""
    return Exporter(connect(server), sandbox, running.https_url, catalogue)


def published(exporter: Exporter) -> Position:
    """Return the watermark, as an asset event stores it outside the database."""
    row = exporter.connection.execute("select cursor_at::text, record_key from crm_export.ExportWatermarks").fetchone()
    assert row is not None
    return Position(*row)


@pytest.mark.fault("A14")
def test_a_promoted_standby_that_lost_the_tail_is_noticed_and_nothing_is_lost(
    primary: EmbeddedPostgres, place: Path, sandbox: Control, sandbox_server: RunningSandbox, catalogue: Catalogue
) -> None:
    before = exporter_of(primary, sandbox, sandbox_server, catalogue)
    before.add({"id": 1}, {"id": 2}, {"id": 3})
    before.run()
    assert before.reconcile().failover == ""
    standby = EmbeddedPostgres(place / "standby", passwordless=True)
    (place / "standby").mkdir()
    if os.geteuid() == 0:
        shutil.chown(place / "standby", user=(place / "primary").owner())
    primary._run("pg_basebackup", "-h", "127.0.0.1", "-p", str(primary.port), "-U", "postgres", "-c", "fast",
                 "-D", str(place / "standby" / "data"))  # fmt: skip
    before.change(1, 50, name="lost")  # after the standby's last transaction
    before.add({"id": 9, "minute": 51})
    before.run()
    assert before.names() == {"A1": "lost", "A2": "Account 2", "A3": "Account 3", "A9": "Account 9"}
    before.connection.close()
    primary.stop()

    (place / "standby" / "data" / "standby.signal").touch()
    standby.start()
    try:
        standby._run("pg_ctl", "-D", str(place / "standby" / "data"), "-w", "promote")
        after = exporter_of(standby, sandbox, sandbox_server, catalogue)
        after.add({"id": 4, "minute": 52})
        assert after.run().rows_sent == 1, "new rows of the promoted database are exported as usual"
        report = after.reconcile()
        assert report.failover.startswith("database changed: back at 2026-01-01 00:52:00+00 / 4 (it was ")
        assert "The database changed: back at" in report.message
        assert (report.late, report.sent_again) == (0, 4)
        assert after.names()["A1"] == "Account 1", "Salesforce has what the database has"
        orphans = report_orphans(after.inputs())
        assert (orphans.listed, orphans.without_source) == (5, 1)
        assert after.watermark() == "4", "the watermark is the promoted database's own; nothing moves it back"
        assert after.reconcile().failover == "", "it is reported once"
        after.connection.close()
    finally:
        standby.stop()


@pytest.mark.fault("A14")
def test_a_snapshot_restored_from_yesterday_is_noticed_by_the_published_watermark(
    primary: EmbeddedPostgres, place: Path, sandbox: Control, sandbox_server: RunningSandbox, catalogue: Catalogue
) -> None:
    before = exporter_of(primary, sandbox, sandbox_server, catalogue)
    before.add({"id": 1}, {"id": 2})
    before.run()
    before.reconcile()
    before.connection.close()
    primary.stop()
    shutil.copytree(place / "primary" / "data", place / "snapshot")
    primary.start()
    today = exporter_of(primary, sandbox, sandbox_server, catalogue)
    today.change(1, 30, name="of today")
    today.add({"id": 3, "minute": 31})
    today.run()
    published_watermark = published(today)
    today.connection.close()
    primary.stop()

    _restore(place)
    primary.start()
    after = exporter_of(primary, sandbox, sandbox_server, catalogue)
    assert after.watermark() == "2"
    report = after.reconcile(published_watermark=published_watermark)
    assert report.failover == (
        "database changed: back at 2026-01-01 00:02:00+00 / 2 (the published watermark is 2026-01-01 00:31:00+00 / 3)"
    )
    assert report.sent_again == 2
    assert after.names() == {"A1": "Account 1", "A2": "Account 2", "A3": "Account 3"}
    after.change(2, 32, name="after the restore")
    assert after.run().rows_sent == 1
    assert after.reconcile(published_watermark=published_watermark).failover == "", "it is reported once"
    assert after.names()["A2"] == "after the restore"
    after.connection.close()


def _restore(place: Path) -> None:
    owner = (place / "primary" / "data").owner()
    shutil.rmtree(place / "primary" / "data")
    shutil.copytree(place / "snapshot", place / "primary" / "data")
    (place / "primary" / "data").chmod(0o700)
    if os.geteuid() == 0:
        for path in [place / "primary" / "data", *(place / "primary" / "data").rglob("*")]:
            shutil.chown(path, user=owner)


def test_another_database_is_noticed_by_its_identifier(exporter: Exporter) -> None:
    exporter.add({"id": 1})
    exporter.run()
    exporter.reconcile()
    exporter.connection.execute("update crm_export.ExportWatermarks set database_identity = '1/1'")
    assert "back at 2026-01-01 00:01:00+00 / 1 (it was 1/1 and is " in exporter.reconcile().failover
    assert exporter.reconcile().failover == ""


def test_a_watermark_that_was_published_and_reached_again_is_no_failover(exporter: Exporter) -> None:
    exporter.add({"id": 1}, {"id": 2})
    exporter.run()
    published_watermark = published(exporter)
    assert exporter.reconcile(published_watermark=published_watermark).failover == ""
    exporter.add({"id": 3})
    exporter.run()
    assert exporter.reconcile(published_watermark=published_watermark).failover == ""


def test_a_stream_that_an_operator_lets_begin_anew_is_no_failover(exporter: Exporter) -> None:
    exporter.add({"id": 1}, {"id": 2})
    exporter.run()
    exporter.reconcile()
    published_watermark = published(exporter)
    exporter.connection.execute("delete from crm_export.ExportWatermarks")
    assert exporter.reconcile(published_watermark=published_watermark).failover == ""
    assert exporter.run().rows_sent == 2
    assert exporter.reconcile(published_watermark=published_watermark).failover == ""
    assert exporter.reconcile().late == 0


@pytest.mark.field("F6")
def test_a_database_that_hides_its_identity_is_compared_all_the_same(
    exporter: Exporter, caplog: pytest.LogCaptureFixture
) -> None:
    """Aurora rejects these functions."""
    exporter.add({"id": 1}, {"id": 2})
    exporter.run()
    exporter.connection.execute(
        "create or replace function crm_export.database_identity() returns text language plpgsql as"
        " $$ begin raise exception 'recovery is not in progress' using errcode = '55000'; end $$"
    )
    exporter.connection.execute(
        "insert into app.accounts (id, ext, name, changed_at) values (9, 'A9', 'late', '2026-01-01 00:00:30Z')"
    )
    report = exporter.reconcile()
    assert (report.late, report.exported, report.failover) == (1, 1, "")
    assert caplog.text.count("cannot be read (recovery is not in progress)") == 1
    exporter.connection.execute(
        "update crm_export.ExportWatermarks set cursor_at = cursor_at - interval '1 minute', record_key = '1'"
    )
    assert exporter.reconcile(published_watermark=Position("2026-01-01 00:02:00+00", "2")).failover != ""

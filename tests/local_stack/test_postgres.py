"""The embedded Postgres of a stack: who can log in, and the privileges of each role."""

from __future__ import annotations

import os
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from include.export.ledger import install_schema
from local_stack.credentials import Credentials
from local_stack.postgres import EmbeddedPostgres, PostgresError
from local_stack.postgres.databases import (
    EXPORTER,
    WAREHOUSE,
    connect,
    fill_warehouse,
    install_export_tables,
    prepare_databases,
)

pytestmark = pytest.mark.security("H1")
CREDENTIALS = Credentials()
NOBODY = 65534


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    """Return a server as a stack starts it, with its roles and the sample's tables."""
    with tempfile.TemporaryDirectory(prefix="crm-roles-", dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        with EmbeddedPostgres(Path(folder) / "postgres") as started:
            prepare_databases(started, CREDENTIALS)
            fill_warehouse(started.port, CREDENTIALS)
            install_export_tables(started)
            yield started


def test_no_one_gets_in_without_the_password(server: EmbeddedPostgres) -> None:
    for host in ("127.0.0.1", str(server.folder)):
        for user in ("postgres", "crm_export", "warehouse", "airflow"):
            with pytest.raises(psycopg.OperationalError, match=r"no password supplied|password authentication failed"):
                psycopg.connect(host=host, port=server.port, user=user, dbname="northwind")
            with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
                psycopg.connect(host=host, port=server.port, user=user, dbname="northwind", password="guess")


def test_passwords_are_kept_as_scram_and_logging_in_is_cheap(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.dsn()) as admin:
        kept = admin.execute("select rolpassword from pg_authid where rolpassword is not null").fetchall()
    assert len(kept) == 4
    assert all(text.startswith("SCRAM-SHA-256$1:") for (text,) in kept)


def test_folder_data_socket_and_password_are_for_their_owner_alone(server: EmbeddedPostgres) -> None:
    modes = {name: stat.S_IMODE((server.folder / name).lstat().st_mode) for name in ("", "data", "password", "log")}
    assert modes == {"": 0o700, "data": 0o700, "password": 0o600, "log": 0o600}
    assert (server.folder / f".s.PGSQL.{server.port}").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a second user")
def test_another_user_of_the_machine_reaches_neither_files_nor_socket(server: EmbeddedPostgres) -> None:
    for path in ("password", "data/PG_VERSION", f".s.PGSQL.{server.port}"):
        tried = subprocess.run(
            ["ls", "-l", str(server.folder / path)],
            user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "Permission denied" in tried.stderr


def test_only_the_administrator_is_a_superuser(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.dsn()) as admin:
        powerful = admin.execute(
            "select rolname from pg_roles where (rolsuper or rolcreaterole or rolcreatedb or rolreplication or"
            " rolbypassrls) and rolname !~ '^pg_'"
        ).fetchall()
    assert powerful == [("postgres",)]


@pytest.mark.parametrize(
    "forbidden",
    [
        "copy mm.biz_leads to program 'id'",
        "select pg_read_file('postgresql.conf')",
        "create schema mine",
        "create table public.mine (id int)",
        "create role mine",
        "update mm.biz_leads set email = null",
        "delete from mm.biz_campaigns",
        "create table mm.mine (id int)",
        "alter system set log_statement = 'all'",
    ],
)
def test_the_exporter_cannot(server: EmbeddedPostgres, forbidden: str) -> None:
    with (
        connect(EXPORTER, server.port, CREDENTIALS) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(forbidden)


def test_the_exporter_can_do_what_an_export_needs(server: EmbeddedPostgres) -> None:
    with connect(EXPORTER, server.port, CREDENTIALS) as connection:
        assert "up to date" in install_schema(connection)
        blind = connection.execute("select blind from crm_export.export_horizon('{}', '{}')").fetchone()
        assert blind == (False,)
        assert connection.execute("select crm_export.database_identity()").fetchone() is not None
        connection.execute("create temporary table staged (id int)")
        leads = connection.execute("select count(*) from mm.biz_leads").fetchone()
        assert leads == (400,)
        owners = connection.execute(
            "select distinct schemaname, tableowner from pg_tables where schemaname in ('mm', 'crm_export') order by 1"
        ).fetchall()
    assert owners == [("crm_export", EXPORTER), ("mm", WAREHOUSE)]


def test_the_exporter_reads_tables_that_are_made_later_in_a_schema_of_their_own(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.dsn("northwind"), autocommit=True) as admin:
        admin.execute("create schema sales; create table sales.accounts (id int)")
    with connect(EXPORTER, server.port, CREDENTIALS) as connection:
        assert connection.execute("select count(*) from sales.accounts").fetchone() == (0,)


@pytest.mark.parametrize("role", [EXPORTER, WAREHOUSE])
def test_airflows_database_is_closed_to_the_other_roles(server: EmbeddedPostgres, role: str) -> None:
    password = CREDENTIALS.exporter if role == EXPORTER else CREDENTIALS.warehouse
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(host="127.0.0.1", port=server.port, user=role, password=password, dbname="airflow")


def test_a_second_start_changes_nothing(server: EmbeddedPostgres) -> None:
    prepare_databases(server, CREDENTIALS)
    assert not fill_warehouse(server.port, CREDENTIALS)
    install_export_tables(server)
    with connect(EXPORTER, server.port, CREDENTIALS) as connection, pytest.raises(psycopg.Error):
        connection.execute("create schema mine")


def test_a_database_of_an_earlier_version_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "pg" / "data").mkdir(parents=True)
    (tmp_path / "pg" / "data" / "PG_VERSION").write_text("18\n")
    with pytest.raises(PostgresError, match=r"without passwords.*make clean-run"):
        EmbeddedPostgres(tmp_path / "pg").start()

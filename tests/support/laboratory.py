"""Databases for the main stories, with other roles, poolers and versions of Postgres than the rest of the suite."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

import hostile
from include.export.ledger.schema import install_schema
from include.export.postgres import open_session, reject_transaction_pooling
from local_stack.postgres import EmbeddedPostgres
from pgbouncer import pool_in_front

OLD_POSTGRES = Path("/usr/lib/postgresql/15")


@dataclass
class Database:
    """A database of a laboratory: `owner` writes the source, `connect` opens the exporter's connection."""

    owner: psycopg.Connection
    connect: Callable[[], psycopg.Connection]


class InstalledPostgres(EmbeddedPostgres):
    """A server from the distribution's packages, of another version than the embedded one."""

    @cached_property
    def _programs(self) -> Path:
        return OLD_POSTGRES


def lay_out_hostile_role(server: EmbeddedPostgres, dsn: str, tables: str) -> Iterator[Database]:
    """Yield a database for a least-privileged role with unusual settings and with traps in its search path."""
    with open_session(dsn) as owner:
        hostile.make_role(owner)
        owner.execute(tables)
        hostile.lay_traps(owner)
        with _opened(make_conninfo(dsn, user=hostile.ROLE)) as connect:
            yield Database(owner, connect)
        owner.execute("drop owned by hostile")


def lay_out_session_pooler(server: EmbeddedPostgres, dsn: str, tables: str) -> Iterator[Database]:
    """Yield a database behind a session pooler with as many servers as a task needs."""
    with open_session(dsn) as owner, pool_in_front(server, "session", size=5) as pooler:
        owner.execute(tables)
        with _opened(pooler.dsn_of(dsn)) as connect:
            yield Database(owner, connect)


def lay_out_plainly(server: EmbeddedPostgres, dsn: str, tables: str) -> Iterator[Database]:
    """Yield a plain database."""
    with open_session(dsn) as owner:
        owner.execute(tables)
        with _opened(dsn) as connect:
            yield Database(owner, connect)


OLD = "on Postgres 15"
LAYOUTS = {
    "as a hostile role": lay_out_hostile_role,
    "as a hostile role on Postgres 15": lay_out_hostile_role,
    "through a session pooler": lay_out_session_pooler,
    OLD: lay_out_plainly,
}


@contextmanager
def clone_database(server: EmbeddedPostgres, name: str) -> Generator[str]:
    """Yield the address of a new database with the export schema."""
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    try:
        with open_session(server.dsn(name)) as owner:
            install_schema(owner)
        yield server.dsn(name)
    finally:
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def skip_without_old_postgres() -> None:
    """Skip the test where the distribution has no Postgres 15."""
    if not os.access(OLD_POSTGRES / "bin" / "initdb", os.X_OK):
        pytest.skip("Postgres 15 is not installed (Debian 12: apt-get install postgresql-15)")


@contextmanager
def _opened(dsn: str) -> Generator[Callable[[], psycopg.Connection]]:
    with ExitStack() as opened:

        def connect() -> psycopg.Connection:
            """Open the connection of a task as its operator does."""
            first = opened.enter_context(psycopg.connect(dsn, autocommit=True))
            reject_transaction_pooling(first, lambda: psycopg.connect(dsn, autocommit=True))
            first.close()
            return opened.enter_context(open_session(dsn))

        yield connect

"""The page's connections to Postgres, with short timeouts: people get an answer, and no export waits for the page."""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Generic, TypeVar

import psycopg
from fastapi import Depends, Query

from crm_export.connections import POSTGRES, find_databases, open_postgres
from crm_export.page.failures import PageFailure, explain_database, explain_run_failure
from include.export.failures import RunFailure
from include.export.streams import Stream, StreamName, load_streams

PATIENCE_SECONDS = 5  # seconds until a database that does not answer counts as down
DATABASES_AT_ONCE = 4  # read concurrently
Answer = TypeVar("Answer")
Database = Annotated[str, Query(min_length=1, max_length=200, pattern="^[^\x00]*$")]


@dataclass(frozen=True)
class DatabaseProblem:
    """A database, named as its connection, that could not be read, and why."""

    database: str
    message: str


@dataclass
class Answers(Generic[Answer]):
    """What each database answered, by the names of the connections, and those that did not."""

    found: dict[str, Answer] = field(default_factory=dict)
    unreachable: list[DatabaseProblem] = field(default_factory=list)


def connect(name: str = POSTGRES) -> Generator[psycopg.Connection]:
    """Open a connection for one request."""
    with open_postgres(name, patience=PATIENCE_SECONDS) as connection:
        connection.execute("set statement_timeout = '15s'")
        connection.execute("set lock_timeout = '10s'")
        connection.execute("set idle_in_transaction_session_timeout = '20s'")
        yield connection


def _connect_default() -> Generator[psycopg.Connection]:
    yield from connect()


def choose_database(database: Database | None = None, stream: StreamName | None = None) -> str:
    """Return the database that a request names, or that of its stream; raises PageFailure for an unknown one."""
    if database is not None and database not in find_databases(load_streams()):
        raise PageFailure(404, "not_found", "No stream uses this database any more.")
    return database or _find_database(stream) or POSTGRES


def require_main(database: str | None) -> None:
    """Raise PageFailure for a database whose records cannot be changed on the page."""
    if database not in {None, POSTGRES}:
        message = f"Records of connection {database} can be viewed here, but not changed."
        raise PageFailure(409, "other_database", message)


def _find_database(name: str | None) -> str | None:
    found = (stream for stream in load_streams() if isinstance(stream, Stream) and stream.name == name)
    return next((stream.postgres for stream in found), None)


def _connect_chosen(database: Chosen) -> Generator[psycopg.Connection]:
    yield from connect(database)


open_database = contextmanager(connect)
Chosen = Annotated[str, Depends(choose_database)]
Postgres = Annotated[psycopg.Connection, Depends(_connect_default)]
ChosenPostgres = Annotated[psycopg.Connection, Depends(_connect_chosen)]


def read_each(read: Callable[[str, psycopg.Connection], Answer]) -> Answers[Answer]:
    """Read every database of the streams; when none can be read, raises the failure of the first."""
    names = find_databases(load_streams())
    with ThreadPoolExecutor(DATABASES_AT_ONCE) as threads:
        tried = list(threads.map(lambda name: _try(read, name), names))
    failures = [failure for failure in tried if isinstance(failure, Exception)]
    if len(failures) == len(names):
        raise failures[0]
    answers: Answers[Answer] = Answers()
    for name, answer in zip(names, tried, strict=True):
        if isinstance(answer, Exception):
            answers.unreachable.append(DatabaseProblem(name, _explain(answer, name)))
        else:
            answers.found[name] = answer
    return answers


def _try(read: Callable[[str, psycopg.Connection], Answer], name: str) -> Answer | Exception:
    try:
        with open_database(name) as connection:
            return read(name, connection)
    except (psycopg.Error, RunFailure) as failure:
        return failure


def _explain(failure: Exception, name: str) -> str:
    explained = explain_run_failure(failure) if isinstance(failure, RunFailure) else explain_database(failure, name)
    return explained[2]

"""Connections to a real Postgres whose statements and commits are points of a history."""

from __future__ import annotations

import select
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import cache
from typing import Any, Protocol

import psycopg
from psycopg import sql, waiting
from psycopg._preparing import PrepareManager
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus

import hostile
from histories.processes import DISCONNECT, Killed, Process
from histories.statement_names import name_statement, writes
from include.export.postgres import prepare_session

LOOK_SECONDS = 0.003  # seconds; a longer statement may be waiting for a lock


class Observer(Protocol):
    """Observes commits, and knows which session waits for which."""

    def committed(self, process: Process, statements: list[tuple[str, int]]) -> None:
        """Observe a commit of a process: names of statements and how many rows each changed."""

    def is_blocked(self, pid: int) -> bool:
        """Return whether a session waits for a lock of another."""

    def others_hold_locks(self, connection: SimulatedConnection) -> bool:
        """Return whether another process is parked inside a transaction."""


class KeptStatements(PrepareManager):
    """Prepared statements that are kept after a rollback: histories roll back often, and prepare the same ones again.

    Psycopg forgets them, because an object may have been dropped; Postgres analyzes such statements again itself.
    """

    prepare_threshold = 1
    prepared_max = 10_000

    def clear(self) -> bool:
        """Keep them all."""
        return False


def keep_statements(connection: psycopg.Connection[Any]) -> None:
    """Prepare each statement of a connection once."""
    connection._prepared = KeptStatements()
    connection.cursor_factory = DirectCursor


class DirectCursor(psycopg.Cursor[Any]):
    """A cursor that runs a prepared statement by one call of libpq.

    A history has some 350 of them. Psycopg's generators, which can wait in threads and event loops, and its general way
    to write a composed statement cost more than a short statement itself.
    """

    def execute(self, query: Any, params: Any = None, **more: Any) -> DirectCursor:
        """Run a statement; one that is not prepared yet, by psycopg."""
        self._reset()
        self._tx = Transformer(self)
        text = _write(query) if isinstance(query, sql.Composed) else query
        asked = self._convert_query(text, params)
        name = self._conn._prepared._names.get((asked.query, asked.types))
        if name is None or self.may_wait or self.connection.closed:
            super().execute(text, params, **more)
            return self
        found = self._pgconn.exec_prepared(name, asked.params, asked.formats, self.format)
        self._check_results([found])
        self._set_results([found])
        return self

    @property
    def may_wait(self) -> bool:
        """Return whether its statements may wait for a lock of another process."""
        return False


def _write(statement: sql.Composed) -> str:
    """Return the text of a composed statement."""
    texts: list[str] = []
    _write_pieces(statement, texts)
    return "".join(texts)


def _write_pieces(composed: sql.Composed, texts: list[str]) -> None:
    for piece in composed._obj:
        if type(piece) is sql.SQL:
            texts.append(piece._obj)
        elif type(piece) is sql.Composed:
            _write_pieces(piece, texts)
        else:
            texts.append(_quote(*piece._obj) if type(piece) is sql.Identifier else piece.as_string(None))


@cache
def _quote(*names: str) -> str:
    return sql.Identifier(*names).as_string(None)


class SimulatedCursor(DirectCursor):
    """A cursor whose statements are points."""

    @property
    def may_wait(self) -> bool:
        """Return whether another process, which has to run meanwhile, may hold the lock."""
        return self.connection.may_wait

    def execute(self, query: Any, params: Any = None, **more: Any) -> SimulatedCursor:
        """Run a statement between two points."""
        connection = self.connection
        if not isinstance(connection, SimulatedConnection) or connection.process is None:
            super().execute(query, params, **more)
            return self
        name = name_statement(query)
        connection.before_statement(name)
        super().execute(query, params, **more)
        connection.after_statement(name, self.rowcount)
        return self

    @contextmanager
    def copy(self, statement: Any, params: Any = None, **more: Any) -> Generator[Any]:
        """Run a COPY between two points."""
        connection = self.connection
        assert isinstance(connection, SimulatedConnection)
        name = name_statement(statement)
        connection.before_statement(name)
        with super().copy(statement, params, **more) as copy:
            yield copy
        connection.after_statement(name, self.rowcount)


class SimulatedConnection(psycopg.Connection[Any]):
    """A connection of a process. Killing the process leaves it closed, as the server sees it: rolled back."""

    process: Process | None = None
    observer: Observer
    depth = 0

    @property
    def closed(self) -> bool:
        """Return whether the process can no longer use it."""
        return super().closed or (self.process is not None and self.process.death is not None)

    def lend(self, process: Process, observer: Observer) -> None:
        """Lend the connection to a process."""
        self.process, self.observer, self.depth, self._executed = process, observer, 0, []

    def take_back(self) -> None:
        """Take the connection back from a process, however that ended."""
        self.process, self.depth = None, 0
        if self.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            self.rollback()

    def before_statement(self, name: str) -> None:
        """Park before a statement that is a transaction of its own."""
        self._owner.raise_if_dead()
        if self.depth == 0:
            self._reach("statement", name)

    def after_statement(self, name: str, rows: int) -> None:
        """Record a statement; one that is a transaction of its own is committed now."""
        self._executed.append((name, rows))
        if self.depth == 0:
            self._report_commit()
            # between the guard's check of the lease and its call, the call is the only point
            if rows > 0 and name != "lease_renew" and writes(name):
                self._reach("done", name)

    @contextmanager
    def transaction(self, *given: Any, **named: Any) -> Generator[psycopg.Transaction]:
        """Open a transaction: park before it begins, before it commits and after."""
        if self.process is None or self.depth:
            with super().transaction(*given, **named) as transaction:
                yield transaction
            return
        self._reach("begin", "")
        self._executed = []
        try:
            with super().transaction(*given, **named) as transaction:
                self.depth = 1
                yield transaction
                self._reach("commit", self._last_statement)
        finally:
            self.depth = 0
        self._report_commit()
        self._reach("committed", "")

    def _exec_command(self, command: Any, *more: Any, **named: Any) -> Generator[Any, Any, Any]:
        """Begin or end a transaction, by one call of libpq."""
        if self.may_wait or self.closed or not isinstance(command, bytes):
            return (yield from super()._exec_command(command, *more, **named))
        found = self.pgconn.exec_(command)
        if found.status != ExecStatus.COMMAND_OK:
            raise error_from_result(found)
        return found  # noqa: B901 - the result of a generator of psycopg

    @property
    def may_wait(self) -> bool:
        """Return whether its statements may wait for a lock of another process."""
        return self.process is not None and self.observer.others_hold_locks(self)

    def wait(self, gen: Any, interval: float = 0.1) -> Any:
        """Wait for the server; during a wait for a lock, other processes run."""
        if not self.may_wait:
            return super().wait(gen, interval)
        try:
            wanted = next(gen)
            while True:
                wanted = gen.send(self._poll(wanted))
        except StopIteration as ended:
            return ended.value
        except Killed:
            self.pgconn.get_cancel().cancel()
            self._drain(gen)
            raise

    def _poll(self, wanted: int) -> waiting.Ready:
        poll = select.poll()
        poll.register(self.pgconn.socket, (select.POLLIN if wanted & 1 else 0) | (select.POLLOUT if wanted & 2 else 0))
        while not (found := poll.poll(LOOK_SECONDS * 1000)):
            if self.observer.is_blocked(self.pgconn.backend_pid):
                self._owner.park("lock")
        ready = found[0][1]
        return waiting.Ready((1 if ready & ~select.POLLOUT else 0) | (2 if ready & select.POLLOUT else 0))

    def _drain(self, gen: Any) -> None:
        try:
            while True:
                gen.send(waiting.Ready.R if select.select([self.pgconn.socket], [], [], 5)[0] else waiting.Ready.NONE)
        except (StopIteration, psycopg.Error):
            return

    def _reach(self, kind: str, what: str) -> None:
        if self._owner.park(kind, what) == DISCONNECT:
            self._owner.death = psycopg.OperationalError("server closed the connection unexpectedly")
            raise self._owner.death

    def _report_commit(self) -> None:
        executed, self._executed = self._executed, []
        self.observer.committed(self._owner, executed)

    @property
    def _last_statement(self) -> str:
        return "+".join(name for name, _ in self._executed)

    @property
    def _owner(self) -> Process:
        assert self.process is not None
        return self.process


class Pool:
    """Connections that are opened once and lent to one process after another."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._free: dict[str, list[psycopg.Connection[Any]]] = {"crm_export": [], "writer": []}
        self._all: list[psycopg.Connection[Any]] = []

    def for_process(self) -> SimulatedConnection:
        """Return a connection as the operators open it."""
        found = self._take("crm_export", self._open_simulated)
        assert isinstance(found, SimulatedConnection)
        return found

    def for_writer(self) -> psycopg.Connection[Any]:
        """Return a connection of an application that writes source rows."""
        return self._take("writer", self._open_writer)

    def give_back(self, connection: psycopg.Connection[Any]) -> None:
        """Take a connection back."""
        kind = "crm_export" if isinstance(connection, SimulatedConnection) else "writer"
        self._free[kind].append(connection)

    def close(self) -> None:
        """Close them all."""
        for connection in self._all:
            connection.close()

    def _take(self, kind: str, opener: Callable[[], psycopg.Connection[Any]]) -> psycopg.Connection[Any]:
        if not self._free[kind]:
            self._free[kind].append(opener())
            self._all.append(self._free[kind][-1])
        return self._free[kind].pop()

    def _open_writer(self) -> psycopg.Connection[Any]:
        connection = psycopg.connect(self._dsn, autocommit=True, application_name="writer")
        keep_statements(connection)
        return connection

    def _open_simulated(self) -> psycopg.Connection[Any]:
        connection = SimulatedConnection.connect(self._dsn, user=hostile.ROLE)
        keep_statements(connection)
        prepare_session(connection)
        # replanning the same statements and waiting for the disk takes a fifth of a history
        connection.execute("set plan_cache_mode = force_generic_plan; set synchronous_commit = off")
        connection.cursor_factory = SimulatedCursor
        return connection

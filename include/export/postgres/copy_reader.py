"""Reads the rows of a COPY in blocks of whole lines, at a connection of its own."""

from __future__ import annotations

import select
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import psycopg
from psycopg import sql
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

from include.export.failures import SourceFailure
from include.export.postgres.session import Connect, admit_policies
from include.export.streams import Stream

BLOCK_BYTES = 112 * 1024  # bytes; glibc would request memory from the kernel for every larger block
_BEGIN = "begin isolation level repeatable read; set local enable_seqscan = off; set local enable_bitmapscan = off"
IDLE_SECONDS = 30.0  # after which a connection is not used again: a firewall may have dropped it without a word
SILENCE_SECONDS = 90.0  # seconds without a byte from Postgres after which a read fails
# libpq reads as much as its buffer holds, 16 KB at first; a large row enlarges the buffer for good
_MAKE_ROOM = b"select repeat(' ', 1048576)"
MANY_ROWS = 10_000  # for fewer, the milliseconds that enlarging the buffer takes are not worth it
GATHER_SECONDS = 0.001  # seconds to let bytes accumulate: Postgres sends 8 KB at a time, each read a context switch
# SQLSTATEs of the server's timeouts: statement, idle transaction, transaction, idle session
READ_TIMEOUTS = frozenset({"57014", "25P03", "25P04", "57P05"})
_TLS_READS = 64  # of one TLS record each, at most 16 KB


class NoConnectionLeft(SourceFailure):
    """Postgres, or a pooler in front of it, accepts no further connection of the role."""


@dataclass
class Readers:
    """Opens connections for reading the rows of one stream, and uses them again; thread-safe.

    `connect` opens a prepared connection (`prepare_session`) with the current password. `has_spare` becomes False
    when Postgres or a pooler has no connection for a second reader; one reader is then enough.
    """

    connect: Connect
    stream: Stream
    has_spare: bool = True
    _idle: list[tuple[psycopg.Connection, float]] = field(default_factory=list, init=False, repr=False)
    _roomy: set[int] = field(default_factory=set, init=False, repr=False)  # process ids of enlarged connections
    _closed: bool = field(default=False, init=False, repr=False)

    @contextmanager
    def open_snapshot(self, of: str | None = None, *, rows: int = 0) -> Generator[psycopg.Connection]:
        """Open a connection in one snapshot, its own or `of` another one, to read about so many rows with COPY.

        Its writes are committed when the block ends without an exception. The plans are pinned to the index of
        positions: a window in the middle of a large table would otherwise read all of it (docs/performance.md).
        Raises NoConnectionLeft.
        """
        reader = self._begin(rows)
        try:
            if of is not None:
                reader.execute(sql.SQL("set transaction snapshot {}").format(sql.Literal(of)))
            yield reader
            reader.execute("commit")
        except BaseException:
            reader.close()  # instead of a rollback: no statement can follow an unfinished COPY
            raise
        self._idle.append((reader, time.monotonic()))
        if self._closed:  # the run ended without waiting for this thread
            self.close()

    def close(self) -> None:
        """Close the connections, those in use as soon as they are idle."""
        self._closed = True
        while idle := self._take_idle():
            idle[0].close()

    def _begin(self, rows: int) -> psycopg.Connection:
        """Return a connection in a new transaction: one that was used lately and is still open, or a new one."""
        while idle := self._take_idle():
            reader, since = idle
            try:
                if time.monotonic() - since < IDLE_SECONDS:
                    return self._prepare(reader, rows)
            except psycopg.OperationalError:
                pass  # the server has closed it
            reader.close()
        reader = self._connect()
        try:
            admit_policies(reader, self.stream)
            return self._prepare(reader, rows)
        except BaseException:
            reader.close()
            raise

    def _prepare(self, reader: psycopg.Connection, rows: int) -> psycopg.Connection:
        process = reader.info.backend_pid
        if rows > MANY_ROWS and process not in self._roomy:
            reader.pgconn.exec_(_MAKE_ROOM)
            self._roomy.add(process)
        reader.execute(_BEGIN)
        return reader

    def _take_idle(self) -> tuple[psycopg.Connection, float] | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _connect(self) -> psycopg.Connection:
        try:
            return connect_reader(self.connect)
        except (psycopg.OperationalError, SourceFailure) as error:
            self.has_spare = False
            message = str(error).strip().splitlines()[-1]
            raise NoConnectionLeft(
                f"Stream {self.stream.name}: no further connection for reading rows ({message}). A Bulk job needs two "
                "connections of the role of postgres_default, five at full speed: raise its connection limit or the "
                f"size of its pool, or set bulk_from: null in {self.stream.name}.yaml."
            ) from error


def connect_reader(connect: Connect) -> psycopg.Connection:
    """Open a connection for reading rows."""
    return connect()


def export_snapshot(reader: psycopg.Connection) -> str:
    """Return the name of a connection's snapshot, which others can use while its transaction is open."""
    row = reader.execute("select pg_export_snapshot()").fetchone()
    return str(row[0]) if row else ""


class Block(NamedTuple):
    """Whole lines, the number of lines so far, and the bytes of the longest line so far that ended a block.

    A line longer than `BLOCK_BYTES` always ends its block.
    """

    lines: bytes
    rows: int
    longest: int


class RowStream:
    """The lines of a `copy … to stdout`."""

    def __init__(self, reader: psycopg.Connection, copy: sql.Composed, values: Mapping[str, object]) -> None:
        """Prepare the statement. The values are merged here: COPY takes no parameters."""
        self.reader = reader
        self._query = psycopg.ClientCursor(reader).mogrify(copy, dict(values)).encode()

    def read_blocks(self) -> Iterator[Block]:
        """Run the statement and yield its lines in blocks.

        Raises psycopg.Error, also when the number of lines is not the one that Postgres reports.

        Uses libpq directly: psycopg's own iteration takes twice the processor time (docs/performance.md).
        """
        wire = self.reader.pgconn
        wire.send_query(self._query)
        self._expect(ExecStatus.COPY_OUT)
        receive = wire.get_copy_data
        lines: list[bytes | memoryview] = []
        rows, size, length, longest = 0, 0, 0, 0
        while length >= 0:
            length, line = receive(1)
            if length > 0:
                lines.append(line)
                size += length
                if size < BLOCK_BYTES:
                    continue
            elif length == 0:
                self._wait()
                continue
            if lines:
                rows, longest = rows + len(lines), max(longest, length)
                yield Block(b"".join(lines), rows, longest)
                lines, size = [], 0
        message = self._expect(ExecStatus.COMMAND_OK).command_tuples
        if message != rows:
            raise psycopg.DataError(f"Postgres sent {rows} lines but reports that it sent {message}")
        wire.get_result()

    def _expect(self, status: ExecStatus) -> PGresult:
        while self.reader.pgconn.is_busy():
            self._wait()
        result = self.reader.pgconn.get_result()
        if result is None or result.status != status:
            raise error_from_result(result) if result else psycopg.OperationalError("Postgres closed the connection")
        return result

    def _wait(self) -> None:
        """Wait for bytes in Python, so that signals are handled, and read what has arrived."""
        wire = self.reader.pgconn
        if not self._has_bytes(SILENCE_SECONDS):
            raise psycopg.OperationalError(f"Postgres sent nothing for {SILENCE_SECONDS:.0f} seconds of a read")
        time.sleep(GATHER_SECONDS)
        wire.consume_input()
        for _ in range(_TLS_READS if wire.ssl_in_use else 0):
            if not self._has_bytes(0):
                return
            wire.consume_input()

    def _has_bytes(self, seconds: float) -> bool:
        return bool(select.select([self.reader.pgconn.socket], [], [], seconds)[0])

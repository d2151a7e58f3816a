"""Rows as Postgres writes them, in blocks of whole lines, read at a connection of its own."""

from __future__ import annotations

import select
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import psycopg
from psycopg import sql
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

from include.export.failures import SourceFailure
from include.export.postgres.session import Connect, admit_policies
from include.export.streams import Stream

BLOCK_BYTES = 112 * 1024  # bytes: more than that and glibc asks the kernel for the room of each block anew
_BEGIN = "begin isolation level repeatable read; set local enable_seqscan = off; set local enable_bitmapscan = off"
SILENCE_SECONDS = 90.0  # seconds without a byte from Postgres after which it is given up
# libpq reads as much at a time as its buffer has room for, 16 KB at first, and never gives room back
_MAKE_ROOM = b"select repeat(' ', 1048576)"
GATHER_SECONDS = (
    0.001  # seconds that bytes gather before they are read: Postgres sends 8 KB at a time, a switch for each
)
# SQLSTATEs: a statement, an idle transaction, a transaction, an idle session took longer than the server allows
READ_TIMEOUTS = frozenset({"57014", "25P03", "25P04", "57P05"})
_TLS_READS = 64  # of one TLS record each, at most 16 KB


class NoConnectionLeft(SourceFailure):
    """Postgres, or a pooler in front of it, takes no further connection of the role."""


@dataclass
class Readers:
    """Opens connections for reading the rows of one stream; several threads may.

    `connect` opens a prepared connection (`prepare_session`) with the password of that time. `has_spare` turns false
    once Postgres or a pooler had no connection for a second reader; one reader is enough then.
    """

    connect: Connect
    stream: Stream
    has_spare: bool = True

    @contextmanager
    def open_snapshot(self, of: str | None = None) -> Generator[psycopg.Connection]:
        """Open a connection in one snapshot, its own or `of` another one.

        What it wrote is committed when the block ends well. The plans are pinned to the index of positions: a window
        in the middle of a large table otherwise reads all of it (docs/performance.md). Raises NoConnectionLeft.
        """
        # closed and never rolled back: a COPY that was left in the middle takes no further statement
        with closing(self._connect()) as reader:
            admit_policies(reader, self.stream)
            reader.execute(_BEGIN)
            if of is not None:
                reader.execute(sql.SQL("set transaction snapshot {}").format(sql.Literal(of)))
            yield reader  # noqa: RUF075 - a block that failed must not commit
            reader.execute("commit")

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
    """Return the name of a connection's snapshot, for others to read in while its transaction is open."""
    row = reader.execute("select pg_export_snapshot()").fetchone()
    return str(row[0]) if row else ""


class Block(NamedTuple):
    """Whole lines, how many lines there were so far, and the bytes of the longest of them."""

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

        Raises psycopg.Error, also when the lines are not as many as Postgres says it sent.

        libpq is driven directly: psycopg's own iteration costs twice the processor time a row (docs/performance.md).
        """
        wire = self.reader.pgconn
        wire.exec_(_MAKE_ROOM)
        wire.send_query(self._query)
        self._expect(ExecStatus.COPY_OUT)
        lines: list[bytes | memoryview] = []
        rows, size, length, longest = 0, 0, 0, 0
        while length >= 0:
            length, line = wire.get_copy_data(1)
            if length > 0:
                lines.append(line)
                size += length
                if length > longest:
                    longest = length
            elif length == 0:
                self._wait()
            if size >= BLOCK_BYTES or (length < 0 and lines):
                rows += len(lines)
                yield Block(b"".join(lines), rows, longest)
                lines, size = [], 0
        message = self._expect(ExecStatus.COMMAND_OK).command_tuples
        if message != rows:
            raise psycopg.DataError(f"Postgres sent {rows} lines and says that it sent {message}")
        wire.get_result()

    def _expect(self, status: ExecStatus) -> PGresult:
        while self.reader.pgconn.is_busy():
            self._wait()
        result = self.reader.pgconn.get_result()
        if result is None or result.status != status:
            raise error_from_result(result) if result else psycopg.OperationalError("Postgres closed the connection")
        return result

    def _wait(self) -> None:
        """Wait for bytes in Python, so that signals are served meanwhile, and take what has come."""
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

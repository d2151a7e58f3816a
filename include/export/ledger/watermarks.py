"""The table ExportWatermarks: each stream's watermark, its lease, and the record at which it is stopped."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from include.export.failures import LeaseLost
from include.export.ledger.holds import Behind
from include.export.positions import Position, Window
from include.sql import fetch_value, load_statement

TURN_SECONDS = 60.0  # that a run waits for a turn with a check; its pages take a second, late rows of one a few more
TURN_LOOK_SECONDS = 0.2


@dataclass(frozen=True)
class StreamState:
    """What ExportWatermarks held when the lease was taken."""

    watermark: Position | None
    stopped_at_error_id: int | None
    mapping: dict[str, Any] | None
    mapping_fingerprint: str | None
    described: dict[str, Any] | None
    described_lately: bool
    organization_id: str | None
    described_ever: dict[str, Any] | None = None  # `described`, merged with earlier descriptions
    database_identity: str | None = None
    request_rows: int | None = None  # most rows of a request; None: as many as the setting allows
    job_rows: int | None = None  # rows of the last good window of Bulk jobs, if less than a day old
    check_epoch: int | None = None  # of the lease that the newest check for late rows began with


@dataclass(frozen=True)
class Holder:
    """The DAG run that is working on a stream; `since` is UTC. A check `yields`: it lets others go first."""

    dag_id: str
    run_id: str
    since: str
    yields: bool = False

    def __str__(self) -> str:
        return f"Run {self.run_id} of {self.dag_id}"


@dataclass
class Lease:
    """The right to write one stream for some seconds; a commit renews it, and fails if another process has taken it."""

    connection: psycopg.Connection
    stream: str
    epoch: int
    seconds: float
    _renewed_at: float = field(default_factory=time.monotonic)

    def renew(self) -> None:
        """Renew the lease; raises LeaseLost when another process has taken it."""
        self._renewed_at = time.monotonic()
        renewed = self._execute("ledger/lease_renew", seconds=self.seconds)
        if renewed.rowcount != 1:
            raise LeaseLost(
                f"Stream {self.stream}: another process has taken over this stream (this one held epoch {self.epoch} "
                "and did not renew its lease in time). It has written nothing since; the other process continues."
            )

    def keep(self) -> None:
        """Renew the lease if an eighth of its time has passed; called during long work. Raises LeaseLost."""
        if time.monotonic() - self._renewed_at > self.seconds / 8:
            self.renew()

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Open a transaction that commits only if the lease is still ours: its first statement locks the epoch."""
        with self.connection.transaction():
            self.renew()
            yield

    def move_watermark(self, batch: int, ordinal: int) -> None:
        """Move the watermark to a row of a batch's manifest."""
        self._execute("ledger/watermark_move", batch=batch, ordinal=ordinal)

    def set_watermark(self, window: Window, position: Position) -> None:
        """Move the watermark to a position of a window, if it is still at the window's start."""
        self._execute("ledger/watermark_set", **window.as_values(), **position.as_values())

    def read_watermark(self) -> Position | None:
        """Return the current watermark."""
        return ExportWatermarks(self.connection).read_position(self.stream)

    def stop_at(self, error: int | None) -> None:
        """Stop the stream at an export error, or end its stop with None."""
        self._execute("ledger/watermark_stop", error=error)

    def keep_description(
        self, mapping: dict[str, Any], fingerprint: str, described: dict[str, Any], org: str, instance_url: str, *,
        described_ever: dict[str, Any],
    ) -> None:  # fmt: skip
        """Store this run's mapping, Salesforce's description of the object, the org and its address.

        `described_ever` is the description merged with earlier ones.
        """
        self._execute(
            "ledger/watermark_describe",
            mapping=Jsonb(mapping),
            fingerprint=fingerprint,
            described=Jsonb(described),
            described_ever=Jsonb(described_ever),
            organization=org,
            instance_url=instance_url,
        )

    def keep_identity(self, identity: str) -> None:
        """Store which database the watermark belongs to."""
        self._execute("ledger/watermark_identify", identity=identity)

    def keep_request_rows(self, rows: int | None) -> None:
        """Store how many rows a request of the stream may hold, None for as many as the setting allows."""
        self._execute("ledger/watermark_request_rows", rows=rows)

    def keep_job_rows(self, rows: int | None) -> None:
        """Store how many rows the last good window of Bulk jobs had, None to start over."""
        self._execute("ledger/watermark_job_rows", rows=rows)

    def note_behind(self, behind: Behind) -> None:
        """Store what a Bulk job did after the record at which the stream is stopped."""
        self._execute("ledger/watermark_behind", arrived=behind.arrived, rejected=Jsonb(dict(behind.rejected)))

    def forget_description(self) -> None:
        """Let the next run read the object's description from Salesforce again."""
        self._execute("ledger/watermark_forget_description")

    def release(self) -> None:
        """Release the lease, if it is still ours."""
        self._execute("ledger/lease_release")

    def _execute(self, statement: str, **values: object) -> psycopg.Cursor[Any]:
        return self.connection.execute(
            load_statement(statement), {"stream": self.stream, "epoch": self.epoch, **values}
        )


@dataclass(frozen=True)
class ExportWatermarks:
    """The table, at one connection."""

    connection: psycopg.Connection

    def take_lease(
        self,
        stream: str,
        owner: str,
        seconds: float,
        *,
        patience: float = 0.0,
        yields: bool = False,
        begins: bool = False,
    ) -> tuple[Lease, StreamState] | None:
        """Take the lease; None when its owner is still renewing it after `patience` seconds.

        The lease of a dead owner is not renewed: this waits until it expires, at most `seconds`. The lease of a check
        `yields`: others ask it for a turn. `begins` means a new check, and not one that continues after a turn.
        """
        self.connection.execute(load_statement("ledger/watermark_ensure"), {"stream": stream})
        wanted = {"stream": stream, "owner": owner, "seconds": seconds, "yields": yields, "begins": begins}
        begun, seen = time.monotonic(), None
        while True:
            taken = self._try_take(wanted)
            if taken:
                return taken
            until, left, has_turns = self._read_lease(stream)
            is_asked = has_turns and not yields
            if is_asked:
                self.connection.execute(load_statement("ledger/lease_want"), {"stream": stream})
                patience = max(patience, TURN_SECONDS)
            is_alive = seen is not None and until is not None and until != seen
            if is_alive and time.monotonic() >= begun + patience:
                return None
            seen = until or seen
            time.sleep(min(max(left, 0.05), TURN_LOOK_SECONDS if is_asked else 1.0))

    def is_wanted(self, stream: str) -> bool:
        """Return whether a run waits for a turn with the check that holds the lease of a stream."""
        return bool(fetch_value(self.connection.execute(load_statement("ledger/lease_wanted"), {"stream": stream})))

    def find_holder(self, stream: str) -> Holder | None:
        """Return the run that holds the lease of a stream, None when nobody does."""
        return self._read_holder("ledger/lease_holder", stream=stream)

    def find_job_holder(self, stream: str, job_id: str) -> Holder | None:
        """Return the run that sent a Bulk job of a stream."""
        return self._read_holder("ledger/job_holder", stream=stream, job=job_id)

    def _read_holder(self, statement: str, **values: str) -> Holder | None:
        with self.connection.cursor(row_factory=class_row(Holder)) as cursor:
            return cursor.execute(load_statement(statement), values).fetchone()

    def read_position(self, stream: str) -> Position | None:
        """Return the watermark of a stream, None when nothing was exported yet."""
        row = self.connection.execute(load_statement("ledger/watermark_position"), {"stream": stream}).fetchone()
        return Position(row[0], row[1]) if row and row[0] else None

    def read_organization(self, stream: str) -> str | None:
        """Return the id of the org that the watermark of a stream belongs to, None if it is not known."""
        row = self.connection.execute(load_statement("ledger/watermark_organization"), {"stream": stream}).fetchone()
        return row[0] if row else None

    def read_described_ever(self, stream: str) -> dict[str, Any] | None:
        """Return the merged description of a stream's object over all runs, None before the first."""
        row = self.connection.execute(load_statement("ledger/watermark_described"), {"stream": stream}).fetchone()
        return row[0] if row else None

    def _try_take(self, wanted: Mapping[str, Any]) -> tuple[Lease, StreamState] | None:
        with self.connection.cursor(row_factory=dict_row) as cursor:
            row = cursor.execute(load_statement("ledger/lease_take"), wanted).fetchone()
        if row is None:
            return None
        lease = Lease(self.connection, wanted["stream"], row.pop("epoch"), wanted["seconds"])
        cursor_at, record_key = row.pop("cursor_at"), row.pop("record_key")
        return lease, StreamState(Position(cursor_at, record_key) if cursor_at else None, **row)

    def _read_lease(self, stream: str) -> tuple[str | None, float, bool]:
        row = self.connection.execute(load_statement("ledger/lease_read"), {"stream": stream}).fetchone()
        return (row[1], row[2] or 0.0, row[3]) if row else (None, 0.0, False)


def without_stop(state: StreamState) -> StreamState:
    """Return the state of a stream whose stop has ended."""
    return replace(state, stopped_at_error_id=None)

"""Faults that tests plant into the product: each breaks a rule that some invariant must detect.

The product has no switch for them; they replace its functions while a history runs.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import psycopg
from psycopg import sql

from histories.replacing import replaced
from include.export.batch import Batch, Row
from include.export.failures import SalesforceFailure
from include.export.ledger.export_errors import DueError
from include.export.ledger.watermarks import ExportWatermarks, Lease, StreamState
from include.export.positions import Position
from include.export.record_sql import json_record
from include.export.record_sql.json_record import RecordForm
from include.export.run.context import RunContext
from include.export.run.sender import Sender
from include.export.run.transmission import Requests, Sent
from include.export.salesforce import collections_api
from include.export.salesforce.collections_api import Result
from include.export.source.source import Source
from include.export.streams import Stream
from include.export.tasks import changes, export, reexport


@contextmanager
def no_horizon() -> Generator[None]:
    """Rows are read up to now, although open transactions may still commit older ones."""
    with (
        replaced(export, "read_horizon", lambda stream, connection: "infinity"),
        replaced(reexport, "read_horizon", lambda stream, connection: "infinity"),
    ):
        yield


@contextmanager
def cursor_without_key() -> Generator[None]:
    """The watermark is compared by its time alone: `ts >` instead of `(ts, key) >`."""

    def bound(self: Source, operator: str, at: str, key_at: str) -> sql.Composed:
        return sql.SQL("s.{} {} {}::timestamptz").format(
            sql.Identifier(self.stream.cursor), sql.SQL(operator), sql.Placeholder(at)
        )

    with replaced(Source, "bound", bound):
        yield


@contextmanager
def key_cut() -> Generator[None]:
    """A key is compared by its first two characters, as if a cast to `character` without a length truncated it."""
    bound = Source.bound

    def cut(self: Source, operator: str, at: str, key_at: str) -> sql.Composed:
        whole, placeholder = bound(self, operator, at, key_at), sql.Placeholder(key_at)
        return sql.Composed(
            [sql.SQL("left({}, 2)").format(part) if part == placeholder else part for part in _flatten(whole)]
        )

    with replaced(Source, "bound", cut):
        yield


def _flatten(statement: sql.Composed) -> Iterator[sql.Composable]:
    for part in statement:
        yield from _flatten(part) if isinstance(part, sql.Composed) else (part,)


@contextmanager
def settings_of_the_role() -> Generator[None]:
    """A session keeps the settings of its role: functions are looked up in a schema that others can write to."""
    kept: list[psycopg.Connection] = []
    read = export.read_horizon

    def read_trapped(stream: Stream, connection: psycopg.Connection) -> str:
        horizon = read(stream, connection)
        connection.execute("set search_path = trap, pg_catalog, public")
        kept.append(connection)
        return horizon

    with replaced(export, "read_horizon", read_trapped):
        try:
            yield
        finally:
            for connection in kept:
                connection.execute("set search_path = pg_catalog, pg_temp")


@contextmanager
def pause_ignored() -> Generator[None]:
    """With the setting on, the export continues past rejected records, as if it were off."""
    send = Sender.send_batch

    def send_all(self: Sender, batch: Batch, *, stop_at_rejection: bool) -> Sent:
        return send(self, batch, stop_at_rejection=False)

    with replaced(Sender, "send_batch", send_all):
        yield


@contextmanager
def watermark_before_results() -> Generator[None]:
    """The watermark moves when a batch is planned, before its results have arrived."""
    plan = changes.plan_batch

    def plan_and_move(self: RunContext, page: str, **values: object) -> Batch | None:
        batch = plan(self, page, **values)
        if batch and page == "changes":
            with self.lease.transaction():
                self.lease.move_watermark(batch.id, len(batch.rows))
        return batch

    with replaced(changes, "plan_batch", plan_and_move):
        yield


@contextmanager
def missing_results_are_successes() -> Generator[None]:
    """A record without an answer counts as accepted."""
    read = collections_api.read_results

    def read_some(rows: Sequence[Row], answer: Any, action: str) -> list[Result]:
        answered = len(answer.body)
        return read(rows[:answered], answer, action) + [Result(row) for row in rows[answered:]]

    with replaced(collections_api, "read_results", read_some):
        yield


@contextmanager
def system_failure_as_record_errors() -> Generator[None]:
    """When Salesforce does not answer, each record is recorded as rejected."""
    transmit = Requests.transmit

    def blame(
        self: Requests, action: str, rows: Sequence[Row], sent: Sent, *outcome: Any, all_or_none: bool
    ) -> list[Result]:
        try:
            return transmit(self, action, rows, sent, *outcome, all_or_none=all_or_none)
        except SalesforceFailure as failure:
            return [Result(row, "FIELD_INTEGRITY_EXCEPTION", str(failure)) for row in rows]

    with replaced(Requests, "transmit", blame):
        yield


@contextmanager
def no_epoch_fence() -> Generator[None]:
    """A process that lost the lease continues writing."""

    def renew(self: Lease) -> None:
        self._execute("ledger/lease_renew", seconds=self.seconds)

    def move(self: Lease, batch: int, ordinal: int) -> None:
        current = self.connection.execute(
            "select lease_epoch from crm_export.ExportWatermarks where stream = %s", [self.stream]
        ).fetchone()
        assert current is not None
        replace(self, epoch=current[0])._execute("ledger/watermark_move", batch=batch, ordinal=ordinal)

    with replaced(Lease, "renew", renew), replaced(Lease, "move_watermark", move):
        yield


@contextmanager
def duplicates_sent() -> Generator[None]:
    """Rows that share an external id are sent like any others."""
    with (
        replaced(RecordForm, "duplicate_conditions", lambda self: []),
        replaced(RecordForm, "folded", sql.SQL("null::text")),
    ):
        yield


@contextmanager
def last_duplicate_wins() -> Generator[None]:
    """Of rows with the same external id, the one that changed last is sent and the others count as accepted."""

    def duplicates(self: RecordForm) -> sql.Composed:
        return sql.SQL(
            "when exists (select 1 from {source} o where o.{id} = s.{id} and o.{key} <> s.{key} and {alive}"
            " and (o.{cursor}, o.{key}) > (s.{cursor}, s.{key})) then 'CRM_EXPORT_SUPERSEDED'"
        ).format(
            source=sql.Identifier(self.stream.source_schema, self.stream.source_table),
            id=sql.Identifier(self.columns[self.stream.external_id_column].name),
            key=sql.Identifier(self.stream.key),
            cursor=sql.Identifier(self.stream.cursor),
            alive=sql.SQL("o.{} is null").format(sql.Identifier(self.stream.deleted))
            if self.stream.deleted
            else sql.SQL("true"),
        )

    with replaced(json_record, "_decide_duplicates", duplicates), replaced(RecordForm, "folded", sql.SQL("null::text")):
        yield


@contextmanager
def stored_payload_replayed() -> Generator[None]:
    """The re-export sends the rejected version, whatever the row's current version is."""
    stored: dict[str, str | None] = {}
    settle, plan = RunContext.settle, reexport.plan_batch

    def settle_and_store(self: RunContext, batch: Batch, sent: Sent, *, move: bool) -> None:
        settle(self, batch, sent, move=move)
        stored.update({row.key: row.record for row in batch.rows if move and row.ordinal in sent.rejections})

    def plan_stored(self: RunContext, page: str, **values: object) -> Batch | None:
        batch = plan(self, page, **values)
        if batch is None or page != "errors" or batch.action == "delete":
            return batch
        rows = tuple(replace(row, record=stored.get(row.key) or row.record) for row in batch.rows)
        return replace(batch, rows=rows)

    def find_due(*given: Any, **named: Any) -> list[DueError]:
        return [replace(due, above=False) for due in find(*given, **named)]

    find = reexport._find_due
    with (
        replaced(RunContext, "settle", settle_and_store),
        replaced(reexport, "plan_batch", plan_stored),
        replaced(reexport, "_find_due", find_due),
    ):
        yield


@contextmanager
def child_sent_before_its_parent() -> Generator[None]:
    """A child stream is exported while another run exports its parent."""
    with replaced(export, "_find_busy_parent", lambda inputs: None):
        yield


class _NoLease(Lease):
    def renew(self) -> None:
        """Continue, whichever process is exporting the stream."""

    def release(self) -> None:
        """Leave the lease to its owner."""


_STATE = """
select cursor_at::text, record_key, stopped_at_error_id, mapping, mapping_fingerprint, described,
       coalesce(described_at > clock_timestamp() - interval '24 hours', false), organization_id, lease_epoch
from crm_export.ExportWatermarks where stream = %s
"""


@contextmanager
def reexport_without_the_lease() -> Generator[None]:
    """The re-export works concurrently with the owner of the lease."""
    try_take = ExportWatermarks._try_take

    def join(self: ExportWatermarks, wanted: Mapping[str, Any]) -> tuple[Lease, StreamState] | None:
        stream, seconds = wanted["stream"], wanted["seconds"]
        if not wanted["owner"].startswith("CRMExport_ExportError"):
            return try_take(self, wanted)
        row = self.connection.execute(_STATE, [stream]).fetchone()
        assert row is not None
        watermark = Position(row[0], row[1]) if row[0] else None
        return _NoLease(self.connection, stream, row[8], seconds), StreamState(watermark, *row[2:8])

    with replaced(ExportWatermarks, "_try_take", join):
        yield

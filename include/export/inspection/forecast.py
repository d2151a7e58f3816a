"""Forecasts what the next run of a stream would do; nothing is sent, and the plan is rolled back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace

from include.export.batch import Batch, Row
from include.export.inspection.estimate import Size, estimate_calls
from include.export.ledger import ExportHolds, ExportWatermarks, Lease, RunEntry, StreamState, explain_database_errors
from include.export.positions import Position
from include.export.run import RunContext, RunInputs, plan_batch
from include.export.source import Source, read_horizon
from include.export.streams import Stream

SAMPLED_ROWS = 200
SHOWN_ROWS = 10
COUNTED_ROWS = 5_000_000  # at most


@dataclass(frozen=True)
class PlannedRow:
    """A row of the sample: what is done with it, and its record as it would be sent, or the rule that rejects it."""

    key: str
    action: str
    external_id: str | None
    record: str | None
    verdict: str | None


@dataclass(frozen=True)
class Forecast:
    """The next run: how many rows wait, the size of the run, and what happens to the first 200 rows."""

    stream: str
    held_at: str | None
    rows_waiting: str
    size: Size
    rows: list[PlannedRow] = field(default_factory=list)

    def count(self, action: str) -> int:
        """Return how many rows of the sample have an action: create, update, delete, or absent from Salesforce."""
        return sum(row.action == action and row.verdict is None for row in self.rows)

    @property
    def rejected(self) -> list[PlannedRow]:
        """Return the rows of the sample that a local rule rejects."""
        return [row for row in self.rows if row.verdict is not None]


@dataclass
class _NoLease(Lease):
    """Stands in for the lease while everything is rolled back: no commit of an export has its epoch."""

    def renew(self) -> None:
        """Do nothing: all writes are rolled back."""


def forecast_run(inputs: RunInputs) -> Forecast:
    """Return what the next run would do with the waiting rows of a stream.

    The org is only read: the object's description, and which records of the sample exist. No lease is taken, so a run
    may be in progress. Raises RunFailure where a run would.
    """
    stream, connection = inputs.stream, inputs.connection
    with explain_database_errors(stream.name, stream, connection):
        source = Source(stream, connection)
        source.columns  # noqa: B018 - names a missing table or column before anything else does
        horizon = read_horizon(stream, connection)
        after = ExportWatermarks(connection).read_position(stream.name)
        waiting = source.count_waiting(after, horizon, COUNTED_ROWS + 1)
        size = estimate_calls(
            stream, waiting, paused=inputs.options.pause_on_export_errors, batch_size=inputs.options.batch_size
        )
        run, batches = _plan(inputs, source, after, horizon)
        rows = [row for batch in batches for row in _look_up(run, batch)]
        held_at = _read_hold(inputs)
    counted = f"{waiting:,}" if waiting <= COUNTED_ROWS else f"more than {COUNTED_ROWS:,}"
    return Forecast(stream.name, held_at, counted, size, rows)


def _read_hold(inputs: RunInputs) -> str | None:
    with inputs.connection.transaction(force_rollback=True):
        stop = ExportHolds(inputs.connection).read_stop(inputs.stream.name)
    return stop.record_key if stop else None


def _plan(
    inputs: RunInputs, source: Source, after: Position | None, horizon: str
) -> tuple[RunContext, list[Batch]]:  # fmt: skip
    """Plan the first rows as a run does, in batches of one action, and roll the plan back."""
    organization = ExportWatermarks(inputs.connection).read_organization(inputs.stream.name)
    state = StreamState(after, None, None, None, None, described_lately=False, organization_id=organization)
    lease = _NoLease(inputs.connection, inputs.stream.name, epoch=-1, seconds=0.0)
    entry, readers = RunEntry(inputs.connection, 0), inputs.make_readers()
    run = RunContext(**vars(inputs), lease=lease, state=state, entry=entry, source=source, readers=readers)
    run.form  # noqa: B018 - reads the description from Salesforce before the transaction begins
    batches: list[Batch] = []
    with inputs.connection.transaction(force_rollback=True):
        run.entry = RunEntry.start(inputs.connection, inputs.stream.name, "export", inputs.identity, paused=True)
        left = SAMPLED_ROWS
        while left > 0:
            position = run.state.watermark
            batch = plan_batch(run, "changes", horizon=horizon, limit=left, **position.as_values() if position else {})
            if batch is None:
                break
            batches.append(batch)
            left -= len(batch.rows)
            run.state = replace(run.state, watermark=run.batches.last_position(batch))
    return run, batches


def _look_up(run: RunContext, batch: Batch) -> list[PlannedRow]:
    """Return the rows of a batch with what Salesforce would do with each."""
    good = [row for row in batch.rows if row.verdict is None]
    ids, _ = run.sender.transport.find_ids("delete" if batch.action == "delete" else "update", good)
    return [_describe(run.stream, batch.action, row, known=row.ordinal in ids) for row in batch.rows]


def _describe(stream: Stream, action: str, row: Row, *, known: bool) -> PlannedRow:
    if row.verdict is not None:
        return PlannedRow(row.key, "reject", row.external_id, None, row.verdict)
    if action == "delete":
        return PlannedRow(row.key, "delete" if known else "absent", row.external_id, None, None)
    becomes = "update" if known else "create" if action == "upsert" else "absent"
    head = f'{{"attributes":{{"type":{json.dumps(stream.object)}}},'
    return PlannedRow(row.key, becomes, row.external_id, head + str(row.record), None)

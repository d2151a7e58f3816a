"""Planning a batch: before its first HTTP call, each row is committed to the ledger as it will be sent."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from psycopg import sql

from include.export.batch import Batch
from include.export.positions import Position
from include.export.record_sql import UnreadableForm
from include.export.run.context import RunContext
from include.export.source import explain_shared_position, take_half


def plan_batch(run: RunContext, page: str, **values: object) -> Batch | None:
    """Plan the batch of a page (`Source.page`) and return it, None when no row is left.

    If Postgres cannot read a row, fewer rows are planned until it is alone; then it is planned as rejected.
    """
    after = run.state.watermark if page in {"changes", "keys"} else None
    respects = page == "changes"
    try:
        return plan_page(run, run.source.page(page, after), respect_decisions=respects, **values)
    except psycopg.DataError:
        fewer = take_half(page, values)
        if fewer:
            return plan_batch(run, page, **fewer)
        return _plan_last(run, page, after, {"respect_decisions": respects, **values})


def _plan_last(run: RunContext, page: str, after: Position | None, values: Mapping[str, object]) -> Batch | None:
    """Plan a single row: normally, if only the row after it cannot be read, else as rejected."""
    try:
        if run.source.relation.is_provable:
            raise psycopg.DataError
        return _plan(run, run.source.plan_of(run.source.page(page, after, looks_ahead=False), run.form), values)
    except psycopg.DataError:
        statement = run.source.plan_of(run.source.page(page, after, bare=True, looks_ahead=False), UnreadableForm())
        return _plan(run, statement, values)


def plan_page(
    run: RunContext, page: sql.Composed, *, respect_decisions: bool = False, **values: object
) -> Batch | None:
    """Plan the batch of a composed page and return it, None when no row is left."""
    return _plan(run, run.source.plan_of(page, run.form), {"respect_decisions": respect_decisions, **values})


def _plan(run: RunContext, statement: sql.Composed, values: Mapping[str, object]) -> Batch | None:
    known = {
        "stream": run.stream.name,
        "run": run.entry.id,
        "epoch": run.lease.epoch,
        "operation": str(run.stream.operation),
        "colliding_ids": [],
    }
    with run.lease.transaction():
        batch = run.batches.plan_batch(statement, {**known, **values})
    if batch and batch.shared_key is not None:
        raise explain_shared_position(run.stream, batch.shared_key)
    return batch

"""Opening a run: take the lease of a stream and write the line of its run; both are closed whatever happens."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from uuid import uuid4

import psycopg
from psycopg.pq import TransactionStatus

from include.export.failures import ConfigurationFailure, LeaseLost, RunFailure
from include.export.ledger import ExportWatermarks, Lease, Outcome, RunEntry, StreamState, explain_database_errors
from include.export.run.context import RunContext
from include.export.run.inputs import RunInputs
from include.export.run.object_description import check_organization
from include.export.source import Source

log = logging.getLogger(__name__)
# seconds to wait for the lease: a daily job often meets the hourly export, and has only one attempt a day
PATIENCE_SECONDS = {"reexport": 3600.0, "reconcile": 3600.0, "trial": 30.0}
CHECK = "reconcile"  # the kind of run that gives up its lease between pages when another run wants it


@contextmanager
def open_run(inputs: RunInputs, kind: str) -> Generator[RunContext | None]:
    """Yield the run of a stream under its lease, None when another process exports the stream.

    `kind` is export, reexport, reconcile or trial. A failure inside is written to the line of the run and raised again;
    errors of Postgres become RunFailures. Nothing depends on the lease being released: a dead owner's lease expires.
    """
    name = inputs.stream.name
    with explain_database_errors(name):
        taken = take_lease(inputs, kind)
        if taken is None:
            yield None
            return
        run = _lay_out(inputs, kind, *taken)
        try:
            with explain_database_errors(name, inputs.stream, inputs.connection):
                yield run
        except (RunFailure, SystemExit) as failure:
            _note_failure(run, failure)
            raise
        finally:
            run.readers.close()
            # a call that may still be executed must end before anything newer is sent: the lease is left to expire
            if _is_usable(inputs.connection) and not inputs.client.in_flight:
                run.lease.release()


def take_lease(inputs: RunInputs, kind: str, *, again: bool = False) -> tuple[Lease, StreamState] | None:
    """Take the lease of a stream for a run of a kind; None when another process holds it until the patience ends.

    `again` means that the run had given it up to let other runs have a turn.
    """
    return ExportWatermarks(inputs.connection).take_lease(
        inputs.stream.name,
        f"{inputs.identity}/{uuid4().hex[:8]}",
        inputs.options.lease_seconds,
        patience=PATIENCE_SECONDS.get(kind, 0.0),
        yields=kind == CHECK,
        begins=kind == CHECK and not again,
    )


def _lay_out(inputs: RunInputs, kind: str, lease: Lease, state: StreamState) -> RunContext:
    paused = inputs.options.pause_on_export_errors
    entry = RunEntry.start(inputs.connection, inputs.stream.name, kind, inputs.identity, paused=paused)
    source = Source(inputs.stream, inputs.connection)
    run = RunContext(
        **vars(inputs),
        lease=lease,
        state=state,
        entry=entry,
        source=source,
        readers=inputs.make_readers(),
        reexport=kind == "reexport",
    )
    inputs.client.guard = partial(_guard, run)
    return run


def _guard(run: RunContext) -> None:
    """Raise a RunFailure before a call without the lease, or to another org than the watermark's."""
    run.lease.renew()
    check_organization(run.stream, run.state.organization_id, run.client.session.organization_id)


def _is_usable(connection: psycopg.Connection) -> bool:
    """Return whether a connection is open and idle; a run that was asked to end may leave a statement running."""
    return connection.info.transaction_status is TransactionStatus.IDLE


def _note_failure(run: RunContext, failure: RunFailure | SystemExit) -> None:
    if isinstance(failure, LeaseLost) or not _is_usable(run.connection):
        return
    if isinstance(failure, ConfigurationFailure) or type(failure).__name__ == "CircuitFailure":
        run.lease.forget_description()  # so that the next run describes the object again and can name the cause
    run.end(Outcome.FAILED, str(failure), failure=type(failure).__name__)

"""Opening a workbench: take the lease of a stream, open the line of its run, close both whatever happens."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

import psycopg
from psycopg.pq import TransactionStatus

from include.export.failures import ConfigurationFailure, LeaseLost, RunFailure
from include.export.ledger.database_errors import explain_database_errors
from include.export.ledger.runs import Outcome, Run, RunIdentity
from include.export.ledger.watermarks import ExportWatermarks, Lease, StreamState
from include.export.options import ExportOptions
from include.export.run.context import Workbench
from include.export.run.object_description import check_organization
from include.export.salesforce.client import SalesforceClient
from include.export.salesforce.error_catalogue import Catalogue
from include.export.source.source import Source
from include.export.streams.stream import Stream

log = logging.getLogger(__name__)
# seconds: the daily job often meets an export of the same hour, and its turn comes only once a day
PATIENCE = {"reexport": 3600.0, "reconcile": 3600.0, "trial": 30.0}


@dataclass(frozen=True)
class Parts:
    """What the caller has opened for a run of one stream."""

    stream: Stream
    connection: psycopg.Connection
    client: SalesforceClient
    catalogue: Catalogue
    options: ExportOptions
    identity: RunIdentity


@contextmanager
def open_workbench(parts: Parts, kind: str) -> Generator[Workbench | None]:
    """Yield the workbench of a stream under its lease, None when another process is at work on the stream.

    `kind` is export, reexport, reconcile or trial. A failure inside is written to the line of the run and raised again;
    errors of Postgres become RunFailures. Nothing relies on the closing: a dead owner's lease runs out.
    """
    name = parts.stream.name
    with explain_database_errors(name):
        taken = ExportWatermarks(parts.connection).take_lease(
            name, f"{parts.identity}/{uuid4().hex[:8]}", parts.options.lease_seconds, patience=PATIENCE.get(kind, 0.0)
        )
        if taken is None:
            yield None
            return
        lease, state = taken
        bench = _lay_out(parts, kind, lease, state)
        try:
            yield bench
        except (RunFailure, SystemExit) as failure:
            _note_failure(bench, failure)
            raise
        finally:
            # what may still be executed must be over before anything newer is sent: the lease runs out by itself
            if _is_usable(parts.connection) and not parts.client.in_flight:
                lease.release()


def _lay_out(parts: Parts, kind: str, lease: Lease, state: StreamState) -> Workbench:
    paused = parts.options.pause_on_export_errors
    run = Run.start(parts.connection, parts.stream.name, kind, parts.identity, paused=paused)
    _guard(parts, lease, state)
    source = Source(parts.stream, parts.connection)
    return Workbench(
        parts.stream, parts.connection, parts.client, parts.catalogue, parts.options, parts.identity,
        lease, state, run, source, reexport=kind == "reexport",
    )  # fmt: skip


def _guard(parts: Parts, lease: Lease, state: StreamState) -> None:
    """Let no call leave without the lease, or to another org than the watermark's."""

    def check() -> None:
        lease.renew()
        check_organization(parts.stream, state.organization_id, parts.client.session.organization_id)

    parts.client.guard = check


def _is_usable(connection: psycopg.Connection) -> bool:
    """Tell whether a connection is open and between statements; a run that was asked to end may leave it in one."""
    return connection.info.transaction_status is TransactionStatus.IDLE


def _note_failure(bench: Workbench, failure: RunFailure | SystemExit) -> None:
    if isinstance(failure, LeaseLost) or not _is_usable(bench.connection):
        return
    if isinstance(failure, ConfigurationFailure) or type(failure).__name__ == "CircuitFailure":
        bench.lease.forget_description()  # the next run asks Salesforce again and can name the cause
    bench.end(Outcome.FAILED, str(failure))

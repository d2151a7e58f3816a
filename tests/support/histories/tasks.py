"""The tasks that processes of a history run: the product's own functions, called as the operators do."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg

from histories.processes import Process
from histories.simulated_http import make_client
from histories.violations import Violation
from include.export.failures import SourceFailure
from include.export.ledger.audit import ActionKind, AuditLine, ExportAudit, Selection
from include.export.ledger.runs import Outcome, RunIdentity
from include.export.options import ExportOptions
from include.export.reconcile.late_rows import export_late_rows
from include.export.run.inputs import RunInputs
from include.export.salesforce.error_catalogue import Catalogue
from include.export.streams.stream import Stream
from include.export.tasks.export import ExportReport, export_stream
from include.export.tasks.gate import Hold, check_hold
from include.export.tasks.reexport import reexport_errors
from include.export.tasks.trial import try_record

if TYPE_CHECKING:
    from histories.world import World

_STREAM: dict[str, Any] = {
    "name": "accounts",
    "source": "app.accounts",
    "key": "id",
    "cursor": "changed_at",
    "deleted": "deleted_at",
    "object": "Account",
    "external_id": "Ext__c",
    "operation": "upsert",
    "fields": {"Ext__c": "ext", "Name": "body"},
}
STREAM = Stream(**_STREAM, bulk_from=None)
BULK_STREAM = Stream(**_STREAM, bulk_from=1, bulk_from_paused=1)
DIVIDED_STREAM = Stream(**_STREAM, bulk_from=2, bulk_from_paused=2, lock_order="id")


VISITS = Stream(
    name="visits", source="app.visits", key="id", cursor="changed_at", object="Contact", external_id="Ext__c",
    operation="upsert", fields={"Ext__c": "ext", "Name": "body"}, bulk_from=None, after=["accounts"],
)  # fmt: skip

MOST_ROWS = 25  # more than a history has


@dataclass(frozen=True)
class TaskOptions:
    """The stream and the options of the runs of a history."""

    stream: Stream = STREAM
    batch_size: int = 2
    job_bytes: int = 90_000_000
    job_patience: float | None = None
    prefetched_jobs: int = 2
    requests_in_flight: int = 1
    part_rows: int = 2  # a history has few rows; most windows that may be divided are

    @classmethod
    def draw(cls, chance: random.Random, *, bulk: bool) -> TaskOptions:
        """Return random options."""
        batch_size = chance.choice([1, 2, 2, 3, MOST_ROWS])
        if not bulk:
            return cls(batch_size=batch_size, requests_in_flight=copy(chance).choice([1, 3]))
        stream = chance.choice([BULK_STREAM, BULK_STREAM, DIVIDED_STREAM])
        # drawn from a copy, so that the rest of a seed's history does not depend on it
        ahead = copy(chance).choice([1, 2, 2, 3])
        # a row takes some 100 bytes of a request: jobs of one row, of two or three, and of all
        job_bytes, patience = chance.choice([150, 350, 90_000_000]), chance.choice([None, None, 200.0])
        return cls(stream, batch_size, job_bytes, patience, ahead)


CATALOGUE = Catalogue.load()


class Tasks:
    """The tasks of a world."""

    def __init__(self, world: World, options: TaskOptions) -> None:
        self._world, self._options = world, options

    def body(self, kind: str, **asked: Any) -> Callable[[Process], Any]:
        """Return the function that a process of a kind runs."""
        bodies: dict[str, Callable[..., Any]] = {
            "export": self._export,
            "child": self._export_child,
            "reexport": self._reexport,
            "trial": self._trial,
            "sweep": self._sweep,
            "decide": self._decide,
        }
        return lambda process: bodies[kind](process, **asked)

    def check_gate(self, process: Process) -> Violation | None:
        """I10: the gate fails if and only if the setting is on and the stream is stopped at an open error."""
        report, hold = process.result
        if (hold is not None) != process.expected_hold:
            return Violation("I10", f"the gate said {hold}, expected a hold: {process.expected_hold}")
        if hold and not hold.message.startswith("Paused: stream accounts stopped at key="):
            return Violation("I10", f"the gate's message does not name the stop: {hold.message}")
        # also true since the run began: an operator's decision ends a hold before the record is rejected again
        alone = set(self._world.commits[process.began_at :]) <= {process.number}
        if alone and hold is None and process.gate_pause and report.outcome is Outcome.HELD:
            return Violation("I10", "the export stopped at a record and its gate passed")
        return None

    def _export(self, process: Process) -> tuple[ExportReport, Hold | None]:
        inputs = self._inputs(process)
        process.began_at = len(self._world.commits)
        report = export_stream(inputs)
        process.gate_pause = self._world.read_setting()
        hold = check_hold(STREAM.name, connection=inputs.connection, catalogue=CATALOGUE, pause=process.gate_pause)
        return report, hold

    def _export_child(self, process: Process, *, run: int, at_once: bool = False) -> ExportReport:
        """Export the visits in the DAG run that a process of the accounts belonged to; all in one batch if asked."""
        identity, inputs = RunIdentity("CRMExport", f"run{run}", 1, "child"), self._inputs(process)
        options = replace(inputs.options, batch_size=MOST_ROWS) if at_once else inputs.options
        return export_stream(replace(inputs, stream=VISITS, identity=identity, options=options))

    def _reexport(self, process: Process, *, every: bool = False, only: Sequence[int] | None = None) -> str:
        inputs = self._inputs(process)
        return reexport_errors(inputs, every=every, only=only).message

    def _sweep(self, process: Process) -> str:
        inputs = self._inputs(process)
        return export_late_rows(inputs).message

    def _decide(self, process: Process, *, action: ActionKind, error: int) -> str:
        """Decide on a record as the page does."""
        audit = ExportAudit(self._world.connect(process))
        until = datetime.now(UTC) + timedelta(days=1) if action is ActionKind.IGNORE else None
        try:
            with audit.connection.transaction():
                audit.take_turn()
                number = audit.write(AuditLine("operator", action, reason="a reason", until=until))
                if audit.select(number, Selection(errors=[error]), retry=False):
                    audit.decide(number, action, "a reason", until)
        except psycopg.errors.LockNotAvailable:
            return "a run keeps the record locked"
        except psycopg.OperationalError as cut:
            raise SourceFailure(str(cut)) from cut
        return f"{action} {error}"

    def _trial(self, process: Process, *, key: int) -> str:
        inputs = self._inputs(process)
        return try_record(inputs, str(key)).message

    def _inputs(self, process: Process) -> RunInputs:
        dag = "CRMExport_ExportError" if process.kind == "reexport" else "CRMExport"
        return RunInputs(
            self._options.stream,
            self._world.connect(process),
            make_client(process, self._world.handle),
            CATALOGUE,
            ExportOptions(
                pause_on_export_errors=process.pause,
                batch_size=self._options.batch_size,
                job_bytes=self._options.job_bytes,
                job_patience=self._options.job_patience,
                prefetched_jobs=self._options.prefetched_jobs,
                requests_in_flight=self._options.requests_in_flight,
                uses_threads=False,  # one thread runs everything
                part_rows=self._options.part_rows,
            ),
            RunIdentity(dag, f"run{process.number}", 1, process.kind),
        )

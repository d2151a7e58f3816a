"""What the processes of a history run: the product's own functions, as the operators call them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from histories.processes import Process
from histories.simulated_http import make_client
from histories.violations import Violation
from include.export.catalogue import Catalogue
from include.export.export import ExportReport, export_stream
from include.export.gate import Hold, check_hold
from include.export.options import ExportOptions
from include.export.reexport import reexport_errors
from include.export.runs import Outcome, RunIdentity
from include.export.streams import Stream
from include.export.trial import try_record

if TYPE_CHECKING:
    from histories.world import World

STREAM = Stream(
    name="accounts",
    source="app.accounts",
    key="id",
    cursor="changed_at",
    deleted="deleted_at",
    object="Account",
    external_id="Ext__c",
    operation="upsert",
    fields={"Ext__c": "ext", "Name": "body"},
)
CATALOGUE = Catalogue.load()


class Tasks:
    """The tasks of a world."""

    def __init__(self, world: World, batch_size: int) -> None:
        self._world, self._batch_size = world, batch_size

    def body(self, kind: str, **asked: Any) -> Callable[[Process], Any]:
        """Return what a process of a kind runs."""
        bodies: dict[str, Callable[..., Any]] = {
            "export": self._export,
            "reexport": self._reexport,
            "trial": self._trial,
        }
        return lambda process: bodies[kind](process, **asked)

    def check_gate(self, process: Process) -> Violation | None:
        """I10: the gate fails if and only if the setting is on and the stream is stopped at an open error."""
        report, hold = process.result
        if (hold is not None) != process.expected_hold:
            return Violation("I10", f"the gate said {hold}, expected a hold: {process.expected_hold}")
        if hold and not hold.message.startswith("Paused: stream accounts stopped at key="):
            return Violation("I10", f"the gate does not say what it is: {hold.message}")
        alone = set(self._world.commits[process.settled_at :]) <= {process.number}
        if alone and hold is None and process.gate_pause and report.outcome is Outcome.HELD:
            return Violation("I10", "the export stopped at a record and its gate passed")
        return None

    def _export(self, process: Process) -> tuple[ExportReport, Hold | None]:
        connection, parts = self._parts(process)
        report = export_stream(STREAM, **parts)
        process.settled_at = self._world.last_commit_of(process)
        process.gate_pause = self._world.read_setting()
        hold = check_hold(STREAM.name, connection=connection, catalogue=CATALOGUE, pause=process.gate_pause)
        return report, hold

    def _reexport(self, process: Process, *, every: bool) -> str:
        _, parts = self._parts(process)
        return reexport_errors(STREAM, **parts, every=every).message

    def _trial(self, process: Process, *, key: int) -> str:
        _, parts = self._parts(process)
        return try_record(STREAM, str(key), **parts).message

    def _parts(self, process: Process) -> tuple[Any, dict[str, Any]]:
        connection = self._world.connect(process)
        dag = "CRMExport_ExportError" if process.kind == "reexport" else "CRMExport"
        return connection, {
            "connection": connection,
            "salesforce": make_client(process, self._world.handle),
            "catalogue": CATALOGUE,
            "options": ExportOptions(pause_on_export_errors=process.pause, batch_size=self._batch_size),
            "run": RunIdentity(dag, f"run{process.number}", 1, process.kind),
        }

"""The child stream of a history: visits, which are exported after the accounts and by runs that overlap.

A DAG run exports its accounts and then its visits. It skips the visits if it skipped the accounts, as the operator
does; the check of a parent that another run exports meanwhile is the product's own.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from histories.org_model import OrgModel
from histories.processes import BUSY, GO, KILL, LOSE, REJECT, Process
from histories.source_model import read_body, write_body
from histories.violations import Violation
from include.export.ledger.runs import Outcome

if TYPE_CHECKING:
    from histories.world import World

CHILD = "child"
KEYS = 4
_OUTCOMES = {"call": [REJECT, BUSY, KILL], "answer": [LOSE, KILL], "sleep": [KILL]}
_WRITE = """
insert into app.visits as v (id, ext, body, changed_at)
values (%(id)s, %(ext)s, %(body)s, clock_timestamp() - interval '5 s')
on conflict (id) do update set body = excluded.body, changed_at = excluded.changed_at
"""
_PARENT_IN_WORK = """
select exists (select 1 from crm_export.ExportWatermarks
where stream = 'accounts' and lease_until > clock_timestamp() and not lease_yields and lease_owner not like %s)
"""


class ChildStream:
    """The rows and records of the visits, and the runs whose visits are to be exported."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.org = OrgModel(lambda _: None, self._saved, object_name="Contact")
        self.versions: dict[int, int] = {}
        self.waiting: list[int] = []  # runs whose export of accounts has ended
        self._arrived: dict[int, int] = {}  # key: its newest version in the org

    def write(self, key: int) -> None:
        """Insert or change a row."""
        version = self.versions[key] = self.versions.get(key, 0) + 1
        values = {"id": key, "ext": f"visit{key}", "body": write_body(key, version, bad=False)}
        self._world.monitor.execute(_WRITE, values)
        self._world.log(f"visit {key}:{version} is written")

    def start(self, run: int) -> Process:
        """Start the export of the visits of a run."""
        self.waiting.remove(run)
        return self._world.start(CHILD, run=run)

    def note_end(self, process: Process) -> None:
        """Start the visits of a run after its accounts, unless these were skipped or wait for a job."""
        if process.kind != "export" or not (process.result or process.failure):
            return
        outcome = process.result[0].outcome if process.result else Outcome.FAILED
        if outcome is Outcome.ALREADY_RUNNING:
            self._world.counts["children skipped with their parents"] += 1
        elif outcome is not Outcome.WAITING_FOR_JOB:
            self.waiting.append(process.number)

    def watch(self, process: Process, run: int) -> None:
        """Note whether at some moment during a process no other run was exporting the accounts."""
        if process.kind == CHILD and not process.parent_was_free:
            owner = f"CRMExport/run{run}/%"
            row = self._world.monitor.execute(_PARENT_IN_WORK, [owner], prepare=True).fetchone()
            process.parent_was_free = not (row and row[0])

    def handle(self, process: Process, method: str, url: str, body: str | None) -> tuple[int, Any]:
        """Answer a call of a process that exports visits (I14)."""
        if method == "PATCH" and not process.parent_was_free and not self._world.violation:
            message = f"p{process.number} sends visits, and another run has exported the accounts ever since it began"
            self._world.violation = Violation("I14", message)
        return self.org.handle(method, url, body)

    def count_end(self, process: Process) -> None:
        """Count the outcome of the visits of a run."""
        if process.kind == CHILD and process.result:
            skipped = process.result.outcome is Outcome.ALREADY_RUNNING
            self._world.counts["children skipped" if skipped else "children exported"] += 1

    def check_end(self) -> None:
        """Raise Violation unless every visit is in the org (I1)."""
        found = {record.external_id: record.body for record in self.org.records.values()}
        wanted = {f"visit{key}": write_body(key, version, bad=False) for key, version in self.versions.items()}
        if found != wanted:
            raise Violation("I1", f"the org has the visits {found}, not {wanted}", self._world.journal)

    def _saved(self, external_id: str, body: str | None) -> None:
        key, version, _ = read_body(str(body))
        if version < self._arrived.get(key, 0):
            message = f"visit {key}: version {version} was written over {self._arrived[key]}"
            self._world.violation = self._world.violation or Violation("I2", message)
        self._arrived[key] = version


class ChildDriver:
    """Draws what happens to the visits from its own random numbers, so that a seed's accounts stay the same."""

    def __init__(self, world: World, seed: int, faults: float) -> None:
        self.world, self.chance, self.faults = world, random.Random(f"visits of {seed}"), faults

    def act(self) -> None:
        """Write a visit, start the visits of a run, or let one continue."""
        child, what = self.world.child, self.chance.random()
        running = [process for process in self.world.alive if process.kind == CHILD]
        if what < 0.15:
            child.write(self.chance.randint(1, KEYS))
        elif what < 0.4 and child.waiting and len(running) < 2:
            self._go(child.start(self.chance.choice(child.waiting)))
        elif running:
            self._go(self.chance.choice(running))

    def _go(self, process: Process) -> None:
        for _ in range(self.chance.choice([1, 4, 16, 64])):
            if not process.is_alive:
                return
            self.world.step(process, self._outcome(process))
            if process.at.kind in {"sleep", "lock"}:
                return

    def _outcome(self, process: Process) -> str:
        if process.at.kind not in _OUTCOMES or self.chance.random() >= self.faults:
            return GO
        return self.chance.choice(_OUTCOMES[process.at.kind])

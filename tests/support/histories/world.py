"""The world of a history: source, org, control tables, setting, processes, and the possible events."""

from __future__ import annotations

import logging
import random
import re
from collections import Counter
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg

from histories.child_stream import CHILD, ChildStream
from histories.control_tables import Snapshot, empty_tables, take_snapshot
from histories.invariants import Invariants, OrgHistory, control_writes
from histories.job_model import Job, JobModel
from histories.org_model import OrgModel, Status
from histories.processes import GO, KILL, Process
from histories.reader_pool import reuse_readers
from histories.simulated_postgres import Pool, SimulatedConnection
from histories.simulated_time import SimulatedTime, use_time
from histories.source_model import OpenTransaction, SourceModel, read_body
from histories.statement_names import writes
from histories.tasks import TaskOptions, Tasks
from histories.violations import Violation

LEASE_SECONDS = 120.0
_WRITES_OF_COLLECTIONS = ("PATCH composite/", "DELETE composite/")
_TRANSIENT = {"statusCode": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access", "fields": []}
_POISONED = {"statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "This record is not welcome", "fields": []}
_BAD = {"statusCode": "REQUIRED_FIELD_MISSING", "message": "Required fields are missing: [Name]", "fields": ["Name"]}

_DONE_WITH = """
select job_id, state from crm_export.ExportBatches where state in ('SETTLED', 'ABANDONED') and job_id is not null
"""
_EXPIRE = """
update crm_export.ExportWatermarks w set lease_wanted_at = null,
       lease_until = case when held then clock_timestamp() - interval '1 ms' else w.lease_until end
from (select stream, coalesce(lease_until > clock_timestamp(), false) as held from crm_export.ExportWatermarks) before
where w.stream = before.stream and (held or w.lease_wanted_at is not null)
returning held
"""
_WINDOWS_AT_WORK = """
select count(distinct window_id) from crm_export.ExportBatches where state = 'SENDING' and job_id = any (%s)
"""


class World:
    """The whole state of a history. `tasks` has the exported stream and its options."""

    def __init__(self, pool: Pool, monitor: psycopg.Connection[Any], tasks: TaskOptions, seed: int = 0) -> None:
        self.pool, self.monitor = pool, monitor
        self.journal: list[str] = []
        self.commits: list[int] = []  # numbers of the processes, in the order of what they commit
        self.counts: Counter[str] = Counter()
        self.source = SourceModel(pool)
        self.org_history = OrgHistory()
        self.org = OrgModel(self._judge, self._saved, self._rejected)
        self.jobs = self.org.jobs = JobModel(self.org, random.Random(seed))
        self.invariants = Invariants(self.source, self.org_history)
        self.clock = SimulatedTime(self._slept)
        self.tasks = Tasks(self, tasks)
        self.child = ChildStream(self)
        self._runs: dict[int, int] = {}  # number of a child's process: its DAG run
        self.alive: list[Process] = []  # processes that have not ended
        self.poison: set[int] = set()
        self.locked: Counter[int] = Counter()  # key: how often Salesforce still answers that it is locked
        self.lenient = False
        self.busy = True  # Salesforce saves rows of jobs only when the history lets it
        self.setting = self.readable = True
        self.current: Process | None = None
        self.violation: Violation | None = None
        self._connections: dict[int, SimulatedConnection] = {}
        self._renewed_at = 0.0
        self._numbers = 0
        random.seed(seed)  # the product's jitter

    @contextmanager
    def at_work(self) -> Generator[None]:
        """Begin with empty tables; end every process and transaction afterwards."""
        log = logging.getLogger("include.export")
        level = log.level
        with ExitStack() as after:
            after.enter_context(use_time(self.clock))
            after.enter_context(reuse_readers())
            after.callback(log.setLevel, level)
            log.setLevel(logging.CRITICAL)
            empty_tables(self.monitor)
            after.callback(self._clear)
            yield

    # What may happen -------------------------------------------------------------------------------------------

    def start(self, kind: str, **asked: Any) -> Process:
        """Start a task: export (with its gate), reexport or trial; it is parked before its first statement."""
        self._numbers += 1
        process = Process(self._numbers, kind, self.read_setting(), self.tasks.body(kind, **asked))
        self.alive.append(process)
        self._runs[process.number] = asked.get("run", process.number)
        self.counts[f"{kind}s"] += 1
        self.log(f"p{process.number} starts: {kind} {asked or ''} pause={process.pause}")
        return process

    def step(self, process: Process, outcome: str = GO) -> None:
        """Let a process run to its next point; raises Violation."""
        if process.at.kind == "lock" and outcome != KILL and self._still_blocked(process):
            return
        self.log(f"p{process.number} {process.at}{'' if outcome == GO else ' -> ' + outcome}")
        self.counts["steps"] += 1
        if outcome != GO:
            self.counts[outcome] += 1
        self.current = process
        self.child.watch(process, self._runs[process.number])
        process.resume(outcome)
        self.current = None
        if not process.is_alive:
            self._ended(process)
        self._raise_violation()

    def expire_lease(self) -> bool:
        """Let the lease of its holder expire; returns whether that is possible now.

        It is not while a process is inside a transaction (the row is locked), nor between a process's last check of the
        lease and the execution of its Collections request, which is a limit that ARCHITECTURE.md names.
        """
        if any(self._depth(process) for process in self.alive) or any(
            self._is_committed_to_send(p) for p in self.alive
        ):
            return False
        expired = any(row[0] for row in self.monitor.execute(_EXPIRE))
        if expired:
            self.counts["leases expired"] += 1
            self.log("the lease expires")
        return expired

    def progress(self, job: Job, rows: int) -> None:
        """Let Salesforce save some rows of a job; raises Violation."""
        self.log(f"{job.id} saves up to {rows} of {len(job.left)} rows")
        self.jobs.progress(job, rows)
        self._raise_violation()

    def fail(self, job: Job, state: str) -> None:
        """Let Salesforce fail a job, or an administrator abort it."""
        self.log(f"{job.id} is {state} with {len(job.left)} rows left")
        self.counts[f"jobs {state}"] += 1
        self.jobs.fail(job)
        job.state = state

    def toggle(self) -> None:
        """Toggle the setting pause_on_export_errors."""
        self.setting = not self.setting
        self.counts["toggles"] += 1
        self.log(f"the setting is {self.setting}")

    def read_setting(self) -> bool:
        """Return the setting; an unreadable one counts as on."""
        return self.setting or not self.readable

    def commit(self, transaction: OpenTransaction, *, commit: bool = True) -> None:
        """End a transaction of an application; raises Violation."""
        rows = ", ".join(str(row or f"{key} gone") for key, row in sorted(transaction.pending.items()))
        self.log(f"t{transaction.number} {'commits' if commit else 'rolls back'} {rows}")
        self.source.end(transaction, commit=commit)
        try:
            self.invariants.check_safe(self.invariants.before)
        except Violation as found:
            raise Violation(found.invariant, found.message, self.journal) from None

    @property
    def on_accounts(self) -> list[Process]:
        """Return the processes that have not ended, without those of the child stream."""
        return [process for process in self.alive if process.kind != CHILD]

    def log(self, line: str) -> None:
        """Write a line of the journal."""
        self.journal.append(line)

    # Callbacks of processes ---------------------------------------------------------------------------------------

    def connect(self, process: Process) -> SimulatedConnection:
        """Return the connection of a process."""
        connection = self.pool.for_process()
        connection.lend(process, self)
        self._connections[process.number] = connection
        return connection

    def handle(self, method: str, url: str, body: str | None) -> tuple[int, Any]:
        """Answer a call of the running process."""
        assert self.current is not None
        process = self.current
        if process.kind == CHILD:
            return self.child.handle(process, method, url, body)
        status, answer = self.org.handle(method, url, body)
        bodies = re.findall(r"\d+:\d+:(?:ok|bad)", body or "")
        if bodies:
            self.log(f"p{process.number} sends {' '.join(bodies)}: {status} {_outline(answer)}")
        if method == "PATCH" and isinstance(answer, list):
            self.counts["rows sent"] += len(answer)
        if method == "PATCH" and "jobs/ingest" in url and status == 200:
            self._check_order()
        if method == "PUT" and status == 201:
            self.counts["jobs"] += 1
            self.counts["rows sent"] += str(body).count("\n") - 1
        return status, answer

    def committed(self, process: Process, statements: list[tuple[str, int]]) -> None:
        """Check a commit of a process."""
        if process.kind == CHILD:
            return  # the invariants of commits concern the accounts
        touched = {name for name, rows in statements if rows > 0 and writes(name)}
        self.counts["turns asked for"] += "lease_want" in touched
        if touched & {"lease_take", "lease_renew"}:
            self._renewed_at = self.clock.now
        if "watermark_request_rows" in touched:  # the answer was lost: its rejections were not seen
            process.rejections.clear()
        if "batch_plan" in touched:
            process.rejections.clear()
        if any(name == "gate_release" for name, _ in statements):
            self.commits.append(process.number)  # it reopens the errors that held, and may end a stop without any
        if "lease_take" not in touched and not control_writes(statements):
            return
        self.commits.append(process.number)
        now = take_snapshot(self.monitor)
        if "lease_take" in touched:
            process.epoch = now.epoch
        self._check(process, statements, now)

    def check_jobs(self) -> None:
        """Check I11: the job of a settled or abandoned batch saves no more rows; raises Violation."""
        for job_id, state in self.monitor.execute(_DONE_WITH, prepare=True):
            job = self.jobs.jobs[job_id]
            if job.is_at_work or (job.state == "Open" and job.rows):
                raise Violation("I11", f"job {job_id} is {job.state}, its batch is {state}")

    def _check_order(self) -> None:
        """Check that Salesforce processes one window at a time: later rows may have to stay unsent."""
        closed = [job.id for job in self.jobs.jobs.values() if job.state not in {"Open", "Aborted"}]
        row = self.monitor.execute(_WINDOWS_AT_WORK, [closed], prepare=True).fetchone()
        if row and row[0] > 1 and not self.violation:
            self.violation = Violation("order", "a job was closed before the preceding window was settled")

    def is_blocked(self, pid: int) -> bool:
        """Return whether a session waits for a lock of another."""
        found = self.monitor.execute("select cardinality(pg_blocking_pids(%s)) > 0", [pid]).fetchone()
        return bool(found and found[0])

    def others_hold_locks(self, connection: SimulatedConnection) -> bool:
        """Return whether another process is parked inside a transaction."""
        return any(other.depth and other is not connection for other in self._connections.values())

    # -----------------------------------------------------------------------------------------------------------

    def _raise_violation(self) -> None:
        if self.violation:
            raise Violation(
                self.violation.invariant, self.violation.message, self.journal
            ) from self.violation.__cause__

    def _check(self, process: Process, statements: list[tuple[str, int]], now: Snapshot) -> None:
        if self.violation:
            return
        names = {name for name, _ in statements}
        if "gate_read" in names:
            process.expected_hold = process.gate_pause and _is_stopped(self.invariants.before)
        if now.stopped_at is not None and now.stopped_at != self.invariants.before.stopped_at:
            self.counts["stops"] += 1
        try:
            self.invariants.check_commit(process, statements, now)
            if names & {"batch_settle_job", "batch_abandon"}:
                self.check_jobs()
        except Violation as found:
            self.violation = found

    def _ended(self, process: Process) -> None:
        self.alive.remove(process)
        connection = self._connections.pop(process.number, None)
        if connection:
            connection.take_back()
            self.pool.give_back(connection)
        self.log(f"p{process.number} ends: {process.crash or process.death or process.failure or process.result!r}")
        self.child.note_end(process)
        self.child.count_end(process)
        if process.failure:
            self.counts[type(process.failure).__name__] += 1
        if process.crash and not self.violation:
            self.violation = Violation("crash", f"{type(process.crash).__name__}: {process.crash}")
            self.violation.__cause__ = process.crash
        elif process.kind == "export" and process.result and not self.violation:
            self.violation = self.tasks.check_gate(process)

    def _still_blocked(self, process: Process) -> bool:
        connection = self._connections[process.number]
        return self.is_blocked(connection.pgconn.backend_pid)

    def _depth(self, process: Process) -> int:
        connection = self._connections.get(process.number)
        return connection.depth if connection else 0

    def _is_committed_to_send(self, process: Process) -> bool:
        return process.at.kind == "call" and process.at.what.startswith(_WRITES_OF_COLLECTIONS)

    def _slept(self) -> None:
        assert self.current is not None
        process = self.current
        process.park("sleep")
        if not self.busy:
            for job in self.jobs.at_work():
                self.jobs.progress(job, 2)
        if self.clock.now >= self._renewed_at + LEASE_SECONDS:
            self.expire_lease()

    def _judge(self, body: str) -> Status | None:
        key, _, bad = read_body(body)
        if self.locked[key] > 0:
            self.locked[key] -= 1
            return _TRANSIENT
        if key in self.poison:
            return _POISONED
        return _BAD if bad and not self.lenient else None

    def _saved(self, external_id: str, body: str | None) -> None:
        if body is None:
            self.org_history.now.pop(external_id.lower(), None)
            return
        key, version, _ = read_body(body)
        try:
            self.org_history.apply(external_id, key, version)
        except Violation as found:
            self.violation = self.violation or found
        if self.current and self.current.rejections.get(key) == version:
            del self.current.rejections[key]

    def _rejected(self, body: str, status: Status) -> None:
        key, version, _ = read_body(body)
        self.org_history.rejected.add((key, version))
        self.counts["records rejected"] += 1
        if self.current and status is not _TRANSIENT:
            self.current.rejections[key] = version

    def _clear(self) -> None:
        for process in list(self.alive):
            while process.is_alive:
                process.resume(KILL)
            self._ended(process)
        for transaction in list(self.source.open):
            self.source.end(transaction, commit=False)


def _outline(answer: Any) -> str:
    if not isinstance(answer, list):
        return ""
    return " ".join(
        "ok" if each.get("success") else each["errors"][0]["statusCode"] for each in answer if "success" in each
    )


def _is_stopped(state: Snapshot) -> bool:
    error = state.errors.get(state.stopped_at or 0)
    return error is not None and error.status in {"open", "waiting"}

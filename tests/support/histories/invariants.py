"""The invariants (docs/explanation/random-histories.md), checked at every commit of a history and at its end."""

from __future__ import annotations

from dataclasses import dataclass, field

from histories.control_tables import ErrorLine, Snapshot
from histories.processes import Process
from histories.source_model import SourceModel, SourceRow
from histories.statement_names import writes
from histories.violations import Violation

# the lease itself, which has a test of its own in each of its statements
_LEASE = frozenset({"watermark_ensure", "lease_take", "lease_renew", "lease_release", "lease_want"})
_GATE = frozenset({"gate_hold", "gate_release"})  # lock the row of the stream themselves
_OF_A_PERSON = frozenset({"decide", "retry"})


def control_writes(statements: list[tuple[str, int]]) -> set[str]:
    """Return the statements that changed a stream's state, except its lease, runs, findings and temporary tables."""
    names = {name for name, rows in statements if rows > 0 and writes(name)}
    return {
        name for name in names - _LEASE if not name.startswith(("run_", "results_", "findings_", "versions_recent"))
    }


@dataclass
class OrgHistory:
    """The versions that Salesforce applied and rejected: by (external id, key) and (key, version)."""

    applied: dict[tuple[str, int], int] = field(default_factory=dict)
    times_applied: dict[tuple[int, int], int] = field(default_factory=dict)
    rejected: set[tuple[int, int]] = field(default_factory=set)
    now: dict[str, tuple[int, int]] = field(default_factory=dict)  # case-folded external id: key and version

    def newest(self, key: int) -> int:
        """Return the newest version of a key that was ever applied."""
        return max((version for (_, of), version in self.applied.items() if of == key), default=0)

    def apply(self, external_id: str, key: int, version: int) -> None:
        """Record a version; raises Violation (I2) when a newer one was there."""
        external_id = external_id.lower()
        before = self.applied.get((external_id, key), 0)
        if version < before:
            raise Violation("I2", f"key {key}: version {version} was written over {before} in record {external_id}")
        self.applied[external_id, key] = version
        self.times_applied[key, version] = self.times_applied.get((key, version), 0) + 1
        self.now[external_id] = (key, version)


@dataclass
class Invariants:
    """Checks the changes of a commit against the source and the org."""

    source: SourceModel
    org: OrgHistory
    before: Snapshot = field(default_factory=Snapshot)

    def check_commit(self, process: Process, statements: list[tuple[str, int]], now: Snapshot) -> None:
        """Check the state after a commit of a process; raises Violation."""
        self._check_one_writer(process, statements, now)
        self._check_monotone(now)
        self.check_safe(now)
        touched = [error for error in now.errors.values() if self._is_touched(error)]
        if process.kind == "export" and process.pause:
            self._check_hold(touched, now)
        self._check_honest(touched)
        self._check_resolved(now)
        if any(name == "batch_settle" for name, _ in statements):
            self._check_all_recorded(process, now)
        self.before = now

    def check_safe(self, now: Snapshot) -> None:
        """Check I4: each committed row up to the watermark is in Salesforce, or an open error of this version."""
        listed = {(error.key, error.changed_at) for error in now.unresolved}
        for row in self.source.rows.values():
            if not now.is_behind(row.place) or (row.key, row.changed_at) in listed or self._is_late(row):
                continue
            if row.deleted:
                if not self._is_deleted_there(row) and row.external_id.lower() not in self.source.shared:
                    raise Violation("I4", f"key {row.key} is deleted, below the watermark, and still in Salesforce")
            elif self.org.applied.get((row.external_id.lower(), row.key), 0) < row.version:
                raise Violation("I4", f"key {row.key} version {row.version} is below the watermark, but not in the org")

    def _check_one_writer(self, process: Process, statements: list[tuple[str, int]], now: Snapshot) -> None:
        names = control_writes(statements)
        if process.kind in _OF_A_PERSON or not (names - _GATE) or process.epoch == now.epoch:
            return
        raise Violation("I8", f"{', '.join(sorted(names))} under epoch {process.epoch}, the current one is {now.epoch}")

    def _check_monotone(self, now: Snapshot) -> None:
        before = self.before.watermark
        if before is not None and (now.watermark is None or now.watermark < before):
            raise Violation("I3", f"the watermark went back from {before} to {now.watermark}")

    def _check_hold(self, touched: list[ErrorLine], now: Snapshot) -> None:
        for error in touched:
            if error.changed_at is None:
                continue  # its row changed before the answer was read: a later position
            if now.is_behind(error.place) and not self.before.is_behind(error.place):
                raise Violation("I5", f"the watermark passed key {error.key}, which this batch reports as rejected")

    def _check_honest(self, touched: list[ErrorLine]) -> None:
        for error in touched:
            version = self._version(error)
            if version is None:
                raise Violation("I6", f"an error names a version of key {error.key} that was never committed")
            known = self.source.conflicted if error.code.startswith("CRM_EXPORT_") else self.org.rejected
            # the rejection counts for a back-dated change of a row in flight
            if (error.key, version) not in known | self.source.late:
                raise Violation("I6", f"key {error.key} version {version} was never rejected, but has {error.code}")

    def _check_all_recorded(self, process: Process, now: Snapshot) -> None:
        listed = {(error.key, error.changed_at) for error in now.errors.values()}
        for key, version in process.rejections.items():
            if (key, self.source.places[key, version][0]) not in listed:
                raise Violation("I6", f"key {key} version {version} was rejected and has no row in ExportErrors")

    def _check_resolved(self, now: Snapshot) -> None:
        for error in now.errors.values():
            old = self.before.errors.get(error.id)
            if error.status != "resolved" or (old and old.status == "resolved"):
                continue
            row = self.source.rows.get(error.key)
            version = self._version(error) or 1
            if row is None or max(self.org.newest(error.key), self.source.deleted.get(error.key, 0)) >= version:
                continue
            raise Violation("I7", f"the error of key {error.key} version {version} is resolved, but it is nowhere")

    def _version(self, error: ErrorLine) -> int | None:
        """Return the version of an error; for a row that changed meanwhile, the newest rejected one."""
        if error.changed_at is None:
            return max((version for key, version in self.org.rejected if key == error.key), default=None)
        return self.source.versions.get((error.key, error.changed_at))

    def _is_late(self, row: SourceRow) -> bool:
        """Return whether a row was back-dated: no export reads it, and only the daily check finds it in the end."""
        return (row.key, row.version) in self.source.late

    def _is_deleted_there(self, row: SourceRow) -> bool:
        return row.deleted and self.org.now.get(row.external_id.lower(), (0, 0))[0] != row.key

    def _is_touched(self, error: ErrorLine) -> bool:
        old = self.before.errors.get(error.id)
        return old is None or error.attempts > old.attempts

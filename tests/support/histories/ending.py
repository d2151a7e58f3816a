"""The end of a history: faults stop, causes are repaired, and the guarantees about the end must hold."""

from __future__ import annotations

from histories.child_stream import CHILD
from histories.control_tables import take_snapshot
from histories.processes import GO, Process
from histories.violations import Violation
from histories.world import World

RUNS = 60

_LEDGER = """
select (select count(*) from crm_export.ExportBatches where state in ('PLANNED', 'SENDING')),
       (select count(*) from crm_export.ExportBatchRows),
       (select count(*) from crm_export.ExportRuns r
        where (r.rows_changed, r.accepted, r.refused) is distinct from
              (select (coalesce(sum(b.row_count), 0), coalesce(sum(b.accepted), 0), coalesce(sum(b.refused), 0))
               from crm_export.ExportBatches b where b.run = r.id and b.state = 'SETTLED')),
       (select count(*) from crm_export.ExportBatches
        where state = 'SETTLED' and accepted + refused + unprocessed <> sent)
"""


def end_history(world: World) -> int:
    """End all processes, repair all causes, and export until nothing is left; returns the number of runs.

    Raises Violation for rows and jobs that are lost (I1), stuck (I9), left (I11), repeated (I12) or miscounted (I13).
    """
    _end_transactions(world)
    world.busy = False
    _let_everybody_end(world)
    _repair(world)
    for run in range(1, RUNS + 1):
        kind = ("sweep", "export", "reexport")[run % 3]
        before = world.counts["rows sent"]
        _run(world, world.start(kind, **({"every": True} if kind == "reexport" else {})))
        is_idle = kind == "export" and world.counts["rows sent"] == before
        if _is_at_rest(world) and (run > 2 or not world.source.late):
            _export_children(world)
            _check_end(world)
            if not is_idle:  # else this run has shown it
                _check_nothing_is_repeated(world)
            return run
    raise Violation(
        "I9", f"after {RUNS} runs without faults something is left: {take_snapshot(world.monitor)}", world.journal
    )


def _end_transactions(world: World) -> None:
    for transaction in list(world.source.open):
        world.commit(transaction)


def _let_everybody_end(world: World) -> None:
    """Let every process run to its end, in turns, so that zombies run concurrently with the others."""
    turns = 0
    while world.alive:
        turns += 1
        if turns > 20_000:
            raise Violation("I9", f"processes do not end: {[str(p.at) for p in world.alive]}", world.journal)
        for process in list(world.alive):
            world.step(process, GO)


def _repair(world: World) -> None:
    world.lenient = world.setting = world.readable = True
    world.poison.clear()
    world.locked.clear()
    transaction = world.source.begin()
    for key in sorted(world.source.in_conflict())[1:]:
        row = world.source.rows[key]
        world.source.write(transaction, key, f"own{key}", bad=row.bad, deleted=False, moment="statement")
    world.commit(transaction)
    # time passes: leases of dead processes expire, and no error stays ignored for ever
    world.expire_lease()
    world.monitor.execute("update crm_export.ExportErrors set ignored_until = now() where status = 'ignored'")


def _run(world: World, process: Process) -> None:
    while process.is_alive:
        world.step(process, GO)
    given_up = any(job.state in {"Failed", "Aborted"} for job in world.jobs.jobs.values())
    if process.failure and not (given_up and "Bulk job" in str(process.failure)):
        raise Violation("I9", f"a run without faults failed: {process.failure}", world.journal)


def _export_children(world: World) -> None:
    """Export the visits once more while no run exports the accounts: no visit is lost."""
    _run(world, world.start(CHILD, run=0, at_once=True))
    world.child.check_end()


def _check_nothing_is_repeated(world: World) -> None:
    """Check I12 for histories without faults: exported versions are not sent again."""
    before = world.counts["rows sent"]
    _run(world, world.start("export"))
    if world.counts["rows sent"] != before:
        repeated = world.counts["rows sent"] - before
        raise Violation("I12", f"{repeated} rows were sent although none had changed", world.journal)


def _is_at_rest(world: World) -> bool:
    now = take_snapshot(world.monitor)
    last = max((row.place for row in world.source.rows.values()), default=None)
    reached = last is None or (now.watermark is not None and now.watermark >= last)
    return reached and not now.unresolved and now.stopped_at is None


def _check_end(world: World) -> None:
    for row in world.source.living():
        found = world.org_history.now.get(row.external_id.lower())
        if found != (row.key, row.version):
            raise Violation("I1", f"record {row.external_id} has {found}, not {(row.key, row.version)}", world.journal)
    for job in world.jobs.jobs.values():
        if job.is_at_work or (job.state == "Open" and job.rows):
            raise Violation("I11", f"job {job.id} is still {job.state}", world.journal)
    found = world.monitor.execute(_LEDGER).fetchone()
    assert found is not None
    unsettled, manifest, runs, batches = found
    if unsettled or manifest:
        raise Violation("I11", f"{unsettled} batches and {manifest} rows of manifests are left", world.journal)
    # an adopted job counts for the run that settles it, and retried records for their job
    if batches or (runs and not world.jobs.jobs):
        raise Violation("I13", f"the sums of {runs} runs and {batches} batches do not agree", world.journal)

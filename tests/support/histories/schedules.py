"""Histories that are run step by step, for situations that are rare by chance. Each is harmless by itself."""

from __future__ import annotations

from histories.ending import end_history
from histories.processes import GO, KILL, Process
from histories.world import World


def write(world: World, *rows: tuple[int, str], bad: bool = False, moment: str = "statement") -> None:
    """Commit rows of one transaction: their keys and external ids; a `late` moment is an hour ago."""
    transaction = world.source.begin()
    for key, external_id in rows:
        world.source.write(transaction, key, external_id, bad=bad, deleted=False, moment=moment)
    world.commit(transaction)


def go_until(world: World, process: Process, what: str) -> None:
    """Let a process run until it is parked at a point."""
    while process.is_alive and what not in str(process.at):
        world.step(process)
    assert process.is_alive, f"it ended before {what}: {process.failure or process.result}"


def go_to_end(world: World, process: Process) -> None:
    """Let a process run to its end."""
    while process.is_alive:
        world.step(process, GO)


def a_run_is_killed_when_it_has_closed_its_job(world: World) -> None:
    """The rows change before Salesforce saves them from the job; the next run must not overtake the job."""
    world.setting = False
    write(world, (1, "a"), (2, "b"), (3, "c"))
    export = world.start("export")
    go_until(world, export, "answer PATCH jobs/ingest")
    world.step(export, KILL)
    write(world, (2, "b"), (3, "c"))
    world.expire_lease()
    following = world.start("export")
    for _ in range(400):
        if following.is_alive:
            world.step(following)
    for job in world.jobs.at_work():
        world.progress(job, 9)
    end_history(world)


def a_job_fails_half_way(world: World) -> None:
    """Salesforce fails a job after its first row."""
    world.setting = False
    write(world, (1, "a"), (2, "b"), (3, "c"), (4, "d"))
    export = world.start("export")
    go_until(world, export, "answer PATCH jobs/ingest")
    [job] = world.jobs.at_work()
    world.progress(job, 1)
    world.fail(job, "Failed")
    go_to_end(world, export)
    end_history(world)


def a_duplicate_moves_while_a_job_is_running(world: World) -> None:
    """A row is left out of a job because another row has its external id, which changes before the job is settled."""
    world.setting = False
    write(world, (1, "shared"), (2, "shared"), (4, "d"))
    export = world.start("export")
    go_until(world, export, "answer PATCH jobs/ingest")
    write(world, (1, "own"))
    world.busy = False
    go_to_end(world, export)
    assert world.org_history.now["shared"] == (2, 1)
    end_history(world)


def a_run_is_killed_with_a_newer_version_sent(world: World) -> None:
    """A rejected row changed and was accepted, but the run that sent it was killed; the daily job runs next."""
    world.setting = False
    write(world, (1, "a"), bad=True)
    go_to_end(world, world.start("export"))
    write(world, (1, "a"))
    world.lenient = True
    export = world.start("export")
    go_until(world, export, "answer PATCH composite")
    world.step(export, KILL)
    world.expire_lease()
    go_to_end(world, world.start("reexport", every=True))
    end_history(world)

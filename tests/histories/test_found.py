"""Faults that random histories found in the product, as fixed step-by-step histories."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from histories.ending import end_history
from histories.processes import KILL, SHORTEN
from histories.schedules import a_duplicate_moves_while_a_job_is_running, go_to_end, go_until, write
from histories.stage import Stage
from histories.tasks import BULK_STREAM, TaskOptions
from histories.violations import Violation
from histories.world import World
from include.export.failures import LeaseLost
from include.export.ledger.audit import ActionKind
from include.export.ledger.runs import Outcome

_VERSIONS = (
    "select id, cursor_at, record_key, row_count, key_hashes, versions from crm_export.ExportedVersions order by id"
)


@pytest.fixture
def world(stage: Stage, request: pytest.FixtureRequest) -> Iterator[World]:
    """Return an empty world, whose jobs save rows only on demand."""
    options = request.param if hasattr(request, "param") else TaskOptions()
    built = stage.make_world(options)
    with built.at_work():
        yield built


def test_a_run_that_slept_past_its_lease_abandons_nothing_of_the_next_one(world: World) -> None:
    write(world, (1, "a"), (2, "b"))
    dead = world.start("export")
    go_until(world, dead, "call PATCH composite")
    world.step(dead, KILL)
    world.expire_lease()
    asleep = world.start("export")
    go_until(world, asleep, "statement batch_find_unsettled")
    world.expire_lease()
    awake = world.start("export")
    go_until(world, awake, "call PATCH composite")
    go_to_end(world, asleep)
    go_to_end(world, awake)
    assert asleep.failure is not None
    assert awake.result[0].accepted == 2
    end_history(world)


def test_a_trial_whose_answer_is_cut_short_is_a_failure_of_the_run(world: World) -> None:
    write(world, (1, "a"))
    trial = world.start("trial", key=1)
    go_until(world, trial, "answer PATCH composite")
    world.step(trial, SHORTEN)
    go_to_end(world, trial)
    assert "returned 0 results for 1 records" in str(trial.failure)
    end_history(world)


@pytest.mark.parametrize("world", [TaskOptions(BULK_STREAM, batch_size=1)], indirect=True)
def test_a_row_that_a_job_left_out_is_sent_although_what_kept_it_out_has_ended(world: World) -> None:
    a_duplicate_moves_while_a_job_is_running(world)


@pytest.mark.parametrize("world", [TaskOptions(BULK_STREAM, batch_size=1)], indirect=True)
def test_the_rejection_of_a_jobs_row_is_not_recorded_for_the_row_that_took_its_external_id(world: World) -> None:
    world.setting = False
    write(world, (1, "a"), (2, "b"))
    write(world, (3, "x"), bad=True)
    export = world.start("export")
    go_until(world, export, "answer PATCH jobs/ingest")
    gone = world.source.begin()
    world.source.remove(gone, 3)
    world.commit(gone)
    write(world, (1, "x"))
    world.busy = False
    go_to_end(world, export)
    assert export.failure is None
    assert world.invariants.before.unresolved == []
    end_history(world)


@pytest.mark.parametrize("world", [TaskOptions(BULK_STREAM, batch_size=1)], indirect=True)
@pytest.mark.parametrize("locked", [0, 9])
def test_the_rejection_of_a_jobs_row_is_not_recorded_for_a_deleted_row_with_its_external_id(
    world: World, locked: int
) -> None:
    world.setting = world.busy = False
    write(world, (1, "a"))
    both = world.source.begin()
    world.source.write(both, 2, "x", bad=False, deleted=True, moment="statement")
    world.source.write(both, 3, "x", bad=not locked, deleted=False, moment="statement")
    world.source.write(both, 4, "d", bad=False, deleted=False, moment="statement")
    world.commit(both)
    world.locked[3] = locked
    go_to_end(world, world.start("export"))
    assert [error.key for error in world.invariants.before.unresolved] == [3]
    end_history(world)


@pytest.mark.parametrize(
    "world", [TaskOptions(batch_size=1), TaskOptions(BULK_STREAM, batch_size=1)], indirect=True, ids=["small", "bulk"]
)
def test_ids_that_differ_only_in_case_are_rejected_also_when_the_other_was_exported_long_ago(world: World) -> None:
    world.setting = world.busy = False
    write(world, (1, "Shared"))
    go_to_end(world, world.start("export"))
    write(world, (2, "two"), (3, "shared"), (4, "four"))
    go_to_end(world, world.start("export"))
    [error] = world.invariants.before.unresolved
    assert (error.key, error.code) == (3, "CRM_EXPORT_EXTERNAL_ID_CONFLICT")
    assert world.org_history.now["shared"] == (1, 1)
    end_history(world)


def test_a_check_that_slept_past_its_lease_packs_nothing_any_more(world: World) -> None:
    """It would mistake versions that another process recorded meanwhile for those that it had read."""
    write(world, (1, "a"), (2, "b"))
    go_to_end(world, world.start("export"))
    asleep = world.start("sweep")
    go_until(world, asleep, "statement versions_recent_more")
    go_until(world, asleep, "begin")
    world.expire_lease()
    write(world, (1, "a"))
    go_to_end(world, world.start("export"))
    lines = _read_versions(world)
    go_to_end(world, asleep)
    assert isinstance(asleep.failure, LeaseLost)
    assert _read_versions(world) == lines
    end_history(world)


def test_a_trial_that_slept_past_its_lease_does_not_write_to_the_ledger_any_more(world: World) -> None:
    """The next run abandoned its batch, so whatever is stored there now is not its own."""
    write(world, (1, "a"))
    asleep = world.start("trial", key=1)
    go_until(world, asleep, "answer PATCH composite")
    world.expire_lease()
    go_to_end(world, world.start("export"))
    commits = len(world.commits)
    go_to_end(world, asleep)
    assert isinstance(asleep.failure, LeaseLost)
    assert len(world.commits) == commits, "nothing of the trial was committed after its lease had run out"
    end_history(world)


@pytest.fixture
def unfolded(stage: Stage) -> Iterator[None]:
    """Drop the index on lower(ext): such ids are found in one window only, from its stored rows."""
    stage.monitor.execute("drop index app.accounts_lower_idx")
    yield
    stage.monitor.execute("create index on app.accounts (lower(ext))")


@pytest.mark.usefixtures("unfolded")
@pytest.mark.parametrize("world", [TaskOptions(BULK_STREAM, batch_size=1)], indirect=True)
def test_ids_that_differ_only_in_case_are_rejected_also_when_their_job_is_adopted(world: World) -> None:
    world.setting = world.busy = False
    write(world, (4, "d"), (1, "Shared"), (2, "shared"), (3, "c"))
    killed = world.start("export")
    while not world.jobs.at_work():
        world.step(killed)
    [job] = world.jobs.at_work()
    assert [row[0] for row in job.left] == ["c"]
    world.step(killed, KILL)
    world.expire_lease()
    go_to_end(world, world.start("export"))
    assert {error.key for error in world.invariants.before.unresolved} == {1, 2}
    assert {error.code for error in world.invariants.before.unresolved} == {"CRM_EXPORT_EXTERNAL_ID_CONFLICT"}
    end_history(world)


@pytest.mark.parametrize("world", [TaskOptions(BULK_STREAM, batch_size=1)], indirect=True)
def test_what_an_upload_that_slept_past_its_lease_notes_of_its_batch_is_forgotten(world: World) -> None:
    world.setting = world.busy = False
    write(world, (1, "a"), (2, "b"))
    gone = world.source.begin()
    world.source.write(gone, 3, "c", bad=False, deleted=True, moment="statement")
    world.commit(gone)
    asleep = world.start("export")
    go_until(world, asleep, "upload")
    world.expire_lease()
    go_to_end(world, world.start("export"))
    go_to_end(world, asleep)
    assert asleep.failure is not None
    assert world.monitor.execute("select count(*) from crm_export.ExportBatchRows").fetchone() == (1,)
    end_history(world)


def test_a_record_that_is_ignored_while_it_is_rejected_again_holds_nothing_any_more(world: World) -> None:
    write(world, (1, "a"))
    write(world, (2, "b"), bad=True)
    go_to_end(world, world.start("export"))
    [error] = world.invariants.before.unresolved
    again = world.start("export")
    go_until(world, again, "answer PATCH composite")
    go_to_end(world, world.start("decide", action=ActionKind.IGNORE, error=error.id))
    go_to_end(world, again)
    report, hold = again.result
    assert (report.outcome, hold) == (Outcome.HELD, None)
    end_history(world)


def test_a_gate_may_pass_after_the_gate_of_another_run_has_ended_the_stop(world: World) -> None:
    write(world, (1, "a"), bad=True)
    stopped = world.start("export")
    go_until(world, stopped, "answer PATCH composite")
    other = world.start("export")
    go_until(world, other, "sleep")  # another run has the stream
    while world.invariants.before.stopped_at is None:
        world.step(stopped)
    world.setting = False
    go_to_end(world, other)
    world.setting = True
    go_to_end(world, stopped)
    report, hold = stopped.result
    assert (report.outcome, hold) == (Outcome.HELD, None)
    end_history(world)


@pytest.mark.parametrize("world", [TaskOptions(BULK_STREAM, batch_size=1)], indirect=True)
def test_a_row_that_is_back_dated_into_the_window_of_a_running_job_keeps_its_error(world: World) -> None:
    world.setting = False
    write(world, (1, "a"), bad=True, moment="late")
    write(world, (2, "b"), (3, "c"))
    export = world.start("export")
    go_until(world, export, "answer PATCH jobs/ingest")
    [error] = world.invariants.before.unresolved  # of the first request, before the job
    write(world, (1, "a"), moment="late")  # later than its first version, and earlier than the rows of the job
    [job] = world.jobs.at_work()
    world.progress(job, 9)
    go_to_end(world, export)
    assert world.invariants.before.unresolved == [error]
    end_history(world)


def test_the_limit_of_collections_that_the_architecture_names_is_real(world: World) -> None:
    """Random histories exclude this race, which no check of the lease can prevent; this test proves that it exists."""
    write(world, (1, "a"))
    asleep = world.start("export")
    go_until(world, asleep, "call PATCH composite")
    assert not world.expire_lease()
    world.monitor.execute("update crm_export.ExportWatermarks set lease_until = now() - interval '1 s'")
    write(world, (1, "a"))
    go_to_end(world, world.start("export"))
    with pytest.raises(Violation, match="I2: key 1: version 1 was written over 2"):
        world.step(asleep)


def _read_versions(world: World) -> list[tuple[object, ...]]:
    return world.monitor.execute(_VERSIONS).fetchall()

"""The same world as a Hypothesis state machine: a broken invariant is shrunk to the few steps that break it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from histories.ending import end_history
from histories.planted_faults import watermark_before_results
from histories.processes import BUSY, DISCONNECT, GO, KILL, LOSE, REJECT, SHORTEN, Process
from histories.source_model import OpenTransaction
from histories.stage import Stage
from histories.tasks import BULK_STREAM, DIVIDED_STREAM, STREAM, TaskOptions
from histories.violations import Violation
from histories.world import World

EXAMPLES = int(os.environ.get("STATE_MACHINES", "0"))  # if set: new histories each time
KEYS = st.integers(1, 5)
OUTCOMES = {"call": [REJECT, BUSY, KILL], "answer": [LOSE, SHORTEN, KILL], "upload": [REJECT, KILL]}


class Machine(RuleBasedStateMachine):
    """A world in which Hypothesis chooses every step."""

    stage: Stage  # set by the test
    transactions: Bundle[OpenTransaction] = Bundle("transactions")
    processes: Bundle[Process] = Bundle("processes")

    def __init__(self) -> None:
        super().__init__()
        self.after = ExitStack()
        self.world: World

    @initialize(
        stream=st.sampled_from([STREAM, BULK_STREAM, DIVIDED_STREAM]),
        batch=st.sampled_from([1, 2]),
        pause=st.booleans(),
    )
    def open_world(self, stream: Any, batch: int, pause: bool) -> None:
        self.world = self.stage.make_world(TaskOptions(stream, batch, job_bytes=350))
        self.after.enter_context(self.world.at_work())
        self.world.setting = pause

    @precondition(lambda self: len(self.world.source.open) < 3)
    @rule(target=transactions)
    def begin(self) -> OpenTransaction:
        return self.world.source.begin()

    @rule(transaction=transactions, key=KEYS, shared=st.booleans(), bad=st.booleans(), deleted=st.booleans())
    def write(self, transaction: OpenTransaction, key: int, shared: bool, bad: bool, deleted: bool) -> None:
        source = self.world.source
        if transaction not in source.open or source.is_locked(key, transaction) or key in source.removed:
            return
        if transaction.pending.get(key, True) is None:
            return
        external_id = "shared" if shared else f"own{key}"
        source.write(transaction, key, external_id, bad=bad, deleted=deleted, moment="statement")

    @rule(transaction=transactions, key=KEYS)
    def remove(self, transaction: OpenTransaction, key: int) -> None:
        source = self.world.source
        if transaction in source.open and not source.is_locked(key, transaction) and key in source.rows:
            source.remove(transaction, key)

    @rule(transaction=transactions)
    def set_savepoint(self, transaction: OpenTransaction) -> None:
        if transaction in self.world.source.open:
            self.world.source.set_savepoint(transaction)

    @rule(transaction=transactions)
    def go_back(self, transaction: OpenTransaction) -> None:
        if transaction in self.world.source.open:
            self.world.source.go_back(transaction)

    @rule(transaction=consumes(transactions), commit=st.booleans())
    def end(self, transaction: OpenTransaction, commit: bool) -> None:
        if transaction in self.world.source.open:
            self.world.commit(transaction, commit=commit)

    @rule(target=processes, kind=st.sampled_from(["export", "export", "reexport", "sweep"]))
    def start(self, kind: str) -> Any:
        if len(self.world.on_accounts) >= 3:
            return multiple()
        return self.world.start(kind, **({"every": True} if kind == "reexport" else {}))

    @rule(key=KEYS)
    def write_visit(self, key: int) -> None:
        self.world.child.write(key)

    @precondition(lambda self: self.world.child.waiting and len(self.world.alive) - len(self.world.on_accounts) < 2)
    @rule(target=processes)
    def start_visits(self) -> Any:
        return self.world.child.start(self.world.child.waiting[-1])

    @rule(process=processes, points=st.integers(1, 40))
    def go_on(self, process: Process, points: int) -> None:
        for _ in range(points):
            if not process.is_alive or process.at.kind == "sleep":
                break
            self.world.step(process, GO)
        if process.is_alive and process.at.kind == "sleep":
            self.world.step(process, GO)

    @rule(process=processes, choice=st.integers(0, 5))
    def strike(self, process: Process, choice: int) -> None:
        if not process.is_alive or process.at.kind in {"lock", "start"}:
            return
        likely = OUTCOMES.get(process.at.kind, [KILL] if process.at.kind == "sleep" else [DISCONNECT, KILL])
        self.world.step(process, likely[choice % len(likely)])

    @rule(rows=st.integers(0, 3), fails=st.integers(0, 9))
    def salesforce_goes_on(self, rows: int, fails: int) -> None:
        for job in self.world.jobs.at_work()[:1]:
            self.world.progress(job, rows)
            if fails == 0 and job.is_at_work:
                self.world.fail(job, "Failed")

    @rule()
    def expire_lease(self) -> None:
        self.world.expire_lease()

    @rule()
    def toggle(self) -> None:
        self.world.toggle()

    @rule(key=KEYS)
    def poison(self, key: int) -> None:
        self.world.poison ^= {key}

    @rule(key=KEYS, times=st.integers(1, 5))
    def lock_in_salesforce(self, key: int, times: int) -> None:
        self.world.locked[key] += times

    @invariant()
    def nothing_is_behind_the_watermark_that_is_nowhere_else(self) -> None:
        if hasattr(self, "world"):
            self.world.invariants.check_safe(self.world.invariants.before)

    def teardown(self) -> None:
        try:
            if hasattr(self, "world"):
                end_history(self.world)
        finally:
            self.after.close()


@pytest.fixture
def machine(stage: Stage) -> Iterator[type[Machine]]:
    """Return the machine on the stage of this worker."""
    Machine.stage = stage
    yield Machine
    del Machine.stage


def test_the_invariants_hold_whatever_hypothesis_does(machine: type[Machine]) -> None:
    run_state_machine_as_test(machine, settings=_settings(EXAMPLES or 40))


def test_hypothesis_finds_and_shrinks_a_planted_fault(machine: type[Machine]) -> None:
    with watermark_before_results(), pytest.raises(Violation) as found:
        # usually within 100 examples: two of the rules concern the child stream
        run_state_machine_as_test(machine, settings=_settings(300, steps=15))
    assert found.value.invariant in {"I4", "I5"}


def _settings(examples: int, steps: int = 40) -> settings:
    return settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, derandomize=not EXAMPLES, database=None,
        phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
    )  # fmt: skip

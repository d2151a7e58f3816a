"""Random histories: a seed determines everything that happens."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from histories.child_stream import ChildDriver
from histories.ending import end_history
from histories.processes import BUSY, DISCONNECT, GO, KILL, LOSE, REJECT, SHORTEN, Process
from histories.simulated_postgres import Pool
from histories.source_model import OpenTransaction
from histories.tasks import TaskOptions
from histories.world import World
from include.export.ledger.audit import ActionKind

KEYS, IDS = 6, 5  # few rows and fewer external ids: rare faults need contention
ACTIONS = 70


@dataclass(frozen=True)
class Weather:
    """The conditions of a history. Each draws its own, because many faults would hide the effect of a single one.

    `faults` is the probability of a fault at a point of a process, `network` at a call, `bad` the share of versions
    that the org rejects. With `conflicts` rows share external ids, with `bulk` they are sent through Bulk jobs if
    possible, with `late` some are back-dated; with `checks` every second started task is a check for late rows.
    """

    faults: float
    network: float
    conflicts: bool
    bad: float
    bulk: bool = False
    late: bool = False
    checks: bool = False

    @classmethod
    def draw(cls, chance: random.Random) -> Weather:
        """Return random conditions; one history in four is without faults."""
        faults = chance.choice([0.0, 0.02, 0.06, 0.15])
        network = chance.choice([0.0, 0.1, 0.3]) if faults else 0.0
        conflicts, bad, bulk = chance.random() < 0.4, chance.choice([0.0, 0.2, 0.4]), chance.random() < 0.5
        return cls(faults, network, conflicts, bad, bulk, chance.random() < 0.2)


@dataclass(frozen=True)
class Played:
    """Counts of what happened in a history."""

    seed: int
    counts: Counter[str]
    runs_to_rest: int


def play(
    seed: int, pool: Pool, monitor: psycopg.Connection[Any], weather: Weather | None = None, bulk: bool | None = None
) -> Played:
    """Run the history of a seed, in a random weather unless one is given; raises Violation.

    `bulk` asks for a weather with or without Bulk jobs.
    """
    chance = random.Random(seed)
    weather = weather or Weather.draw(chance)
    weather = weather if bulk is None else replace(weather, bulk=bulk)
    world = World(pool, monitor, TaskOptions.draw(chance, bulk=weather.bulk), seed)
    with world.at_work():
        driver, visits = _Driver(world, chance, weather), ChildDriver(world, seed, weather.faults)
        for _ in range(chance.randint(ACTIONS // 2, ACTIONS)):
            driver.act()
            visits.act()
        runs = end_history(world)
    return Played(seed, world.counts, runs)


class _Driver:
    def __init__(self, world: World, chance: random.Random, weather: Weather) -> None:
        self.world, self.chance, self.weather = world, chance, weather
        world.setting = chance.random() < 0.6
        self.weights = {
            self.write: 22, self.end_transaction: 12, self.advance: 40, self.start: 12, self.disturb: 8, self.repair: 4,
            self.progress: 15,
        }  # fmt: skip

    def act(self) -> None:
        [action] = self.chance.choices(list(self.weights), weights=list(self.weights.values()))
        action()

    # The source ------------------------------------------------------------------------------------------------

    def write(self) -> None:
        source, chance = self.world.source, self.chance
        transaction = self._transaction()
        for _ in range(chance.choice([1, 1, 2, 3])):
            what = chance.random()
            if what < 0.08:
                source.set_savepoint(transaction)
            elif what < 0.14:
                source.go_back(transaction)
            else:
                self._write_row(transaction, remove=what > 0.93)
        if chance.random() < 0.5:
            self.world.commit(transaction, commit=chance.random() < 0.9)

    def _transaction(self) -> OpenTransaction:
        opened = self.world.source.open
        if len(opened) < 3 and (not opened or self.chance.random() < 0.5):
            return self.world.source.begin()
        return self.chance.choice(opened)

    def _write_row(self, transaction: OpenTransaction, *, remove: bool) -> None:
        source, chance = self.world.source, self.chance
        key = chance.randint(1, KEYS)
        while key in source.removed:
            key += 100
        if source.is_locked(key, transaction) or transaction.pending.get(key, True) is None:
            return
        if remove:
            if key in source.rows:
                source.remove(transaction, key)
            return
        shared = self.weather.conflicts and chance.random() < 0.3
        # Salesforce matches ids that differ only in case to one record
        external_id = f"{chance.choice('xxX')}{chance.randint(1, IDS)}" if shared else f"own{key}"
        source.write(
            transaction, key, external_id, bad=chance.random() < self.weather.bad, deleted=chance.random() < 0.08,
            moment=self._moment(),
        )  # fmt: skip

    def _moment(self) -> str:
        late = self.weather.late and self.chance.random() < 0.2
        return "late" if late else self.chance.choice(["statement", "transaction"])

    def end_transaction(self) -> None:
        if self.world.source.open:
            chosen = self.chance.choice(self.world.source.open)
            self.world.commit(chosen, commit=self.chance.random() < 0.85)

    # The processes ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        if len(self.world.on_accounts) >= 3:
            return
        weights = [20, 8, 2, 34 if self.weather.checks else 2, 4]
        kind = self.chance.choices(["export", "reexport", "trial", "sweep", "decide"], weights=weights)[0]
        asked = self._ask(kind)
        if asked is not None:
            self._go(self.world.start(kind, **asked))

    def _ask(self, kind: str) -> dict[str, Any] | None:
        """Return the parameters of a task, None when the task is not possible."""
        keys, errors = sorted(self.world.source.rows), [each.id for each in self.world.invariants.before.unresolved]
        if kind == "reexport" and errors and self.chance.random() < 0.3:
            return {"only": [self.chance.choice(errors)]}
        if kind == "reexport":
            return {"every": self.chance.random() < 0.7}
        if kind == "trial":
            return {"key": self.chance.choice(keys)} if keys else None
        if kind == "decide":
            actions = [ActionKind.SET_ASIDE, ActionKind.IGNORE, ActionKind.REOPEN]
            return {"action": self.chance.choice(actions), "error": self.chance.choice(errors)} if errors else None
        return {}

    def advance(self) -> None:
        if self.world.on_accounts:
            self._go(self.chance.choice(self.world.on_accounts))

    def _go(self, process: Process) -> None:
        for _ in range(self.chance.choice([1, 2, 4, 8, 16, 32, 64])):
            if not process.is_alive:
                return
            self.world.step(process, self._outcome(process))
            if process.at.kind in {"sleep", "lock"}:
                return

    def _outcome(self, process: Process) -> str:
        kind = process.at.kind
        likely = self.weather.network if kind in {"call", "answer", "upload"} else self.weather.faults / 3
        if kind == "lock" or self.chance.random() >= likely:
            return GO
        choices = {
            "call": [REJECT, BUSY, KILL],
            "answer": [LOSE, SHORTEN, SHORTEN, KILL],
            "committed": [DISCONNECT, KILL, GO],
            "commit": [DISCONNECT, KILL, GO, GO],
            "sleep": [KILL, GO, GO],
            "upload": [REJECT, KILL],
        }
        return self.chance.choice(choices.get(kind, [DISCONNECT, KILL, GO, GO, GO, GO, GO, GO]))

    def progress(self) -> None:
        """Let Salesforce process a job further, or fail it."""
        at_work = self.world.jobs.at_work()
        if not at_work:
            return
        job = self.chance.choice(at_work)
        if self.weather.faults and self.chance.random() < 0.15:
            self.world.fail(job, self.chance.choice(["Failed", "Aborted"]))
        else:
            self.world.progress(job, self.chance.choice([0, 1, 1, 2, 9]))

    # The rest --------------------------------------------------------------------------------------------------

    def disturb(self) -> None:
        world, chance = self.world, self.chance
        what = chance.random()
        if what < 0.4:
            if self.weather.faults or not world.on_accounts:
                world.expire_lease()
        elif what < 0.6 and world.on_accounts and self.weather.faults:
            world.step(chance.choice(world.on_accounts), KILL)
        elif what < 0.8:
            world.toggle()
        elif what < 0.87:
            world.readable = not world.readable
        elif what < 0.95:
            world.poison.add(chance.randint(1, KEYS))
        else:
            world.locked[chance.randint(1, KEYS)] += chance.randint(1, 5)

    def repair(self) -> None:
        if self.world.poison:
            self.world.poison.discard(self.chance.choice(sorted(self.world.poison)))
        elif self.chance.random() < 0.3:
            self.world.lenient = not self.world.lenient

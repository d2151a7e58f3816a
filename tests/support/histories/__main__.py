"""Runs many histories in two processes, for a release: python -m histories 100000 [first seed]."""

from __future__ import annotations

import gc
import os
import sys
import time
from collections import Counter
from collections.abc import Generator, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

import psycopg

from histories.stage import Stage
from histories.violations import Violation
from include.export.ledger.schema import install_schema
from local_stack.postgres import EmbeddedPostgres
from server_folders import open_server_folder

PROCESSES, PART = 2, 500
VACUUM = 50  # histories between two of them: without, a thousand take up to a fifth longer, because of what was deleted


def main() -> int:
    """Run histories, report progress, and exit with 1 when an invariant was broken."""
    wanted = int(sys.argv[1])
    first = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time()) * 1000
    print(f"{wanted:,} histories from seed {first}")
    shares = [range(first + number, first + wanted, PROCESSES) for number in range(PROCESSES)]
    with ProcessPoolExecutor(PROCESSES) as executor:
        results = list(executor.map(_play_share, range(PROCESSES), shares))
    counts = sum((counts for counts, _ in results), Counter[str]())
    broken = sum(broken for _, broken in results)
    print(f"{wanted:,} histories, {broken} broke an invariant")
    print(", ".join(f"{what} {number:,}" for what, number in counts.most_common()))
    return 1 if broken else 0


def _play_share(number: int, seeds: range) -> tuple[Counter[str], int]:
    """Play histories on a server and a core of their own: only one of the two works at any moment."""
    _stay_on_a_core(number)
    with _open_stage() as stage:
        gc.freeze()
        gc.set_threshold(100_000, 50, 100)
        return _play(stage, seeds)


@contextmanager
def _open_stage() -> Generator[Stage]:
    with open_server_folder("histories") as folder:
        server = EmbeddedPostgres(folder, passwordless=True)  # roles of the histories log in without one
        server.start()
        try:
            server.ensure_database("template_export")
            with psycopg.connect(server.dsn("template_export"), autocommit=True) as connection:
                install_schema(connection)
            stage = Stage.build(server, "histories", "template_export")
            yield stage
            stage.close()
        finally:
            server.remove()


def _stay_on_a_core(number: int) -> None:
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[number % len(cores)]})


def _play(stage: Stage, seeds: range) -> tuple[Counter[str], int]:
    counts: Counter[str] = Counter()
    broken = 0
    for done, seed in _report_progress(seeds):
        if done % VACUUM == 0:
            stage.monitor.execute("vacuum")
        try:
            counts.update(stage.play(seed).counts)
        except Violation as violation:
            broken += 1
            print(f"seed {seed} ({done} done): {violation}", flush=True)
    return counts, broken


def _report_progress(seeds: range) -> Iterator[tuple[int, int]]:
    begun = time.monotonic()
    for done, seed in enumerate(seeds):
        if done and done % PART == 0:
            print(f"{done:,} of {len(seeds):,}, {(time.monotonic() - begun) / done * 1000:.0f} ms each", flush=True)
        yield done, seed


if __name__ == "__main__":
    sys.exit(main())

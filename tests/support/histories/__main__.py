"""Runs many histories in two processes, for a release: python -m histories 100000 [first seed]."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import psycopg

import hostile
from histories.stage import Stage
from histories.violations import Violation
from include.export.ledger.schema import install_schema
from local_stack.postgres import EmbeddedPostgres
from server_folders import open_server_folder

PROCESSES, PART = 2, 500


def main() -> int:
    """Run histories, report progress, and exit with 1 when an invariant was broken."""
    wanted = int(sys.argv[1])
    first = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time()) * 1000
    print(f"{wanted:,} histories from seed {first}")
    with open_server_folder("histories") as folder:
        server = EmbeddedPostgres(folder, passwordless=True)  # roles of the histories log in without one
        server.start()
        try:
            return _play_all(server, first, wanted)
        finally:
            server.remove()


def _play_all(server: EmbeddedPostgres, first: int, wanted: int) -> int:
    server.ensure_database("template_export")
    with psycopg.connect(server.dsn("template_export"), autocommit=True) as connection:
        install_schema(connection)
        hostile.make_role(connection)  # before the processes, which would both create it
    shares = [range(first + number, first + wanted, PROCESSES) for number in range(PROCESSES)]
    with ProcessPoolExecutor(PROCESSES) as executor:
        results = list(executor.map(partial(_play_share, server.folder, server.port), range(PROCESSES), shares))
    counts = sum((counts for counts, _ in results), Counter[str]())
    broken = sum(broken for _, broken in results)
    print(f"{wanted:,} histories, {broken} broke an invariant")
    print(", ".join(f"{what} {number:,}" for what, number in counts.most_common()))
    return 1 if broken else 0


def _play_share(folder: Path, port: int, number: int, seeds: range) -> tuple[Counter[str], int]:
    server = EmbeddedPostgres(folder, port, passwordless=True)  # created in its process, because it cannot be pickled
    stage = Stage.build(server, f"histories_{number}", "template_export")
    counts: Counter[str] = Counter()
    broken = 0
    for done, seed in _report_progress(seeds):
        try:
            counts.update(stage.play(seed).counts)
        except Violation as violation:
            broken += 1
            print(f"seed {seed} ({done} done): {violation}", flush=True)
    stage.close()
    return counts, broken


def _report_progress(seeds: range) -> Iterator[tuple[int, int]]:
    begun = time.monotonic()
    for done, seed in enumerate(seeds):
        if done and done % PART == 0:
            print(f"{done:,} of {len(seeds):,}, {(time.monotonic() - begun) / done * 1000:.0f} ms each", flush=True)
        yield done, seed


if __name__ == "__main__":
    sys.exit(main())

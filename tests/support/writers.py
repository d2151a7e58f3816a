"""A program in which twelve writers change accounts, and a naive reader follows them; it prints counts.

The reader reads rows that changed after the newest change it has seen, as most exports do, to show what that loses.
"""

from __future__ import annotations

import contextlib
import json
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable

import psycopg

WRITERS = 12
_INSERT = "insert into app.accounts (id, ext, name, changed_at) values (%s, %s, 'v1', now())"
_UPDATE = "update app.accounts set name = 'v' || (substr(name, 2)::int + 1), changed_at = now() where id = %s"


class Writer:
    """One writer of short, long and rolled back transactions, some with savepoints."""

    def __init__(self, dsn: str, number: int, over: threading.Event) -> None:
        self.connection = psycopg.connect(dsn, application_name="application")
        self.random, self.over = random.Random(number), over
        self.next_id = number * 1_000_000
        self.commits: Counter[str] = Counter()

    def run(self) -> None:
        """Write until the end."""
        kinds = [self._short] * 20 + [self._long] * 3 + [self._rolled_back] * 2 + [self._with_savepoints] * 3
        while not self.over.is_set():
            kind: Callable[[], None] = self.random.choice(kinds)
            with contextlib.suppress(psycopg.errors.DeadlockDetected, psycopg.errors.UniqueViolation):
                try:
                    kind()
                finally:
                    self.connection.rollback()
        self.connection.close()

    def _short(self) -> None:
        self._write(self.random.randint(1, 3))
        self._commit("short")

    def _long(self) -> None:
        self.connection.execute("select 1")
        time.sleep(self.random.uniform(0, 0.3))
        for _ in range(self.random.randint(2, 10)):
            self._write(1)
            time.sleep(self.random.uniform(0, 0.15))
        self._commit("long")

    def _rolled_back(self) -> None:
        self._write(self.random.randint(1, 4))
        self.connection.rollback()

    def _with_savepoints(self) -> None:
        self._write(1)
        for _ in range(2):
            self.connection.execute("savepoint s")
            self._write(1)
            if self.random.random() < 0.5:
                self.connection.execute("rollback to savepoint s")
        self._commit("with savepoints")

    def _write(self, rows: int) -> None:
        for _ in range(rows):
            if self.next_id % 1_000_000 and self.random.random() < 0.3:
                first = self.next_id - self.next_id % 1_000_000
                self.connection.execute(_UPDATE, [self.random.randint(max(first, self.next_id - 50), self.next_id)])
            else:
                self.next_id += 1
                self.connection.execute(_INSERT, [self.next_id, f"A{self.next_id}"])

    def _commit(self, kind: str) -> None:
        self.connection.commit()
        self.commits[kind] += 1


class NaiveReader:
    """Reads what changed after the newest change it has seen."""

    def __init__(self, dsn: str) -> None:
        self.connection = psycopg.connect(dsn, autocommit=True, application_name="crm_export")
        self.seen: dict[int, str] = {}
        self.newest = "-infinity"

    def read(self) -> None:
        """Read once."""
        query = "select id, name, changed_at::text from app.accounts where changed_at > %s::timestamptz order by 3"
        for number, name, changed_at in self.connection.execute(query, [self.newest]):
            self.seen[number] = name
            self.newest = changed_at

    def count_lost(self) -> int:
        """Return how many rows it lacks, or has in an older version."""
        rows = self.connection.execute("select id, name from app.accounts").fetchall()
        return sum(self.seen.get(number) != name for number, name in rows)


def main(dsn: str, seconds: float, commits: int) -> None:
    """Write for some seconds and until there are enough commits; print their number and what the naive reader lost."""
    over, began = threading.Event(), time.monotonic()
    writers = [Writer(dsn, number, over) for number in range(1, WRITERS + 1)]
    threads = [threading.Thread(target=writer.run) for writer in writers]
    for thread in threads:
        thread.start()
    reader = NaiveReader(dsn)
    while any(thread.is_alive() for thread in threads):
        reader.read()
        time.sleep(0.2)
        done = sum(writer.commits.total() for writer in writers)
        if time.monotonic() - began > seconds and done >= commits:
            over.set()
    reader.read()
    message = {
        "seconds": round(time.monotonic() - began),
        "commits": sum((writer.commits for writer in writers), Counter()),
        "lost_by_naive_reader": reader.count_lost(),
    }
    sys.stdout.write(json.dumps(message))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]))

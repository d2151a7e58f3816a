"""Where histories run: a database with the schema and the source table, and the connections to it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import psycopg

import hostile
from histories.random_driver import Played, Weather, play
from histories.reader_pool import close_readers
from histories.simulated_postgres import Pool, keep_statements
from histories.source_model import TABLE
from histories.tasks import TaskOptions
from histories.world import World
from include.export.postgres import open_session
from local_stack.postgres import EmbeddedPostgres


@dataclass(frozen=True)
class Stage:
    """A database in which one process runs histories, one after the other."""

    pool: Pool
    monitor: psycopg.Connection[Any]

    @classmethod
    def build(cls, server: EmbeddedPostgres, name: str, template: str) -> Stage:
        """Return a stage in a new database, cloned from one with the export schema."""
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute(f"create database {name} template {template}")
            connection.execute(f"alter database {name} set synchronous_commit = off")
            # replanning the same statements takes a fifth of a history
            connection.execute(f"alter database {name} set plan_cache_mode = force_generic_plan")
        # a history calls the server some 500 times, and a Unix socket costs less than TCP
        address = f"host={server.folder} port={server.port} user=postgres dbname={name}"
        monitor = open_session(address)
        keep_statements(monitor)
        monitor.execute(TABLE)
        hostile.make_role(monitor)
        hostile.lay_traps(monitor)
        return cls(Pool(address), monitor)

    def play(self, seed: int, weather: Weather | None = None, *, bulk: bool | None = None) -> Played:
        """Run the history of a seed; raises Violation."""
        return play(seed, self.pool, self.monitor, weather, bulk)

    def play_many(self, seeds: range, *, bulk: bool) -> Counter[str]:
        """Run many histories, with or without Bulk jobs, and return what happened in them; raises Violation."""
        return sum((self.play(seed, bulk=bulk).counts for seed in seeds), Counter[str]())

    def make_world(self, options: TaskOptions) -> World:
        """Return an empty world, for a history that is run step by step."""
        return World(self.pool, self.monitor, options)

    def close(self) -> None:
        """Close the connections."""
        close_readers()
        self.pool.close()
        self.monitor.close()

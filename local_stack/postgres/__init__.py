"""The embedded Postgres: its server, its programs, and the roles and databases of the stack."""

from __future__ import annotations

from local_stack.postgres.programs import PostgresError
from local_stack.postgres.server import EmbeddedPostgres, find_free_port

__all__ = ["EmbeddedPostgres", "PostgresError", "find_free_port"]

"""The page's connection to Postgres: short waits, so that a person gets an answer and an export never waits for one."""

from __future__ import annotations

from collections.abc import Generator
from typing import Annotated

import psycopg
from fastapi import Depends

from crm_export.connections import open_postgres

PATIENCE_SECONDS = 5  # seconds until a database that does not answer counts as down


def connect() -> Generator[psycopg.Connection]:
    """Open a connection for one request."""
    with open_postgres(patience=PATIENCE_SECONDS) as connection:
        connection.execute("set statement_timeout = '15s'")
        connection.execute("set lock_timeout = '10s'")
        connection.execute("set idle_in_transaction_session_timeout = '20s'")
        yield connection


Postgres = Annotated[psycopg.Connection, Depends(connect)]

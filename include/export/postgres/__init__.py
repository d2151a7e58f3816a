"""Connections to Postgres: prepared sessions, poolers, readers of many rows."""

from __future__ import annotations

from include.export.postgres.copy_reader import (
    READ_TIMEOUTS,
    Block,
    NoConnectionLeft,
    Readers,
    RowStream,
    export_snapshot,
)
from include.export.postgres.database_identity import UNKNOWN, read_database_identity
from include.export.postgres.pooler import reject_transaction_pooling
from include.export.postgres.session import (
    APPLICATION_NAME,
    READY_SECONDS,
    Connect,
    admit_policies,
    limit_statements,
    open_session,
    prepare_session,
    reconnect,
)

__all__ = [
    "APPLICATION_NAME",
    "READY_SECONDS",
    "READ_TIMEOUTS",
    "UNKNOWN",
    "Block",
    "Connect",
    "NoConnectionLeft",
    "Readers",
    "RowStream",
    "admit_policies",
    "export_snapshot",
    "limit_statements",
    "open_session",
    "prepare_session",
    "read_database_identity",
    "reconnect",
    "reject_transaction_pooling",
]

"""The identity of a database, which differs for a promoted standby and a restored backup."""

from __future__ import annotations

import logging

import psycopg

from include.sql import fetch_value, load_statement

log = logging.getLogger(__name__)
UNKNOWN = "unknown"  # the identity of a database that does not reveal it


def read_database_identity(connection: psycopg.Connection) -> str:
    """Return the identity of the database, UNKNOWN if it cannot be read, as in some managed services."""
    try:
        return str(fetch_value(connection.execute(load_statement("postgres/database_identity"))) or UNKNOWN)
    except psycopg.Error as error:
        if connection.closed:
            raise
        log.warning(
            "The identity of the database cannot be read (%s), so a promoted standby or a restored backup is detected "
            "by the published watermark only. If the role lacks the privilege, run as the schema's owner: grant "
            "execute on function crm_export.database_identity() to the role.", error.diag.message_primary,
        )  # fmt: skip
        return UNKNOWN

"""Which database this is: a promoted standby and a restored backup are not the one of before."""

from __future__ import annotations

import psycopg
from psycopg import errors

from include.export.failures import ConfigurationFailure
from include.sql import fetch_value, load_statement


def read_database_identity(connection: psycopg.Connection) -> str:
    """Return the identity of the database; raises ConfigurationFailure when the role may not ask for it."""
    try:
        return str(fetch_value(connection.execute(load_statement("source/database_identity"))))
    except errors.InsufficientPrivilege as denied:
        raise ConfigurationFailure(
            f"Role {connection.info.user} may not call crm_export.database_identity(), which identifies a restored "
            "database. Run as the schema's owner: grant execute on function crm_export.database_identity() to the role."
        ) from denied

"""The connections of a stream, opened from Airflow's."""

from __future__ import annotations

from crm_export.connections.databases import find_databases
from crm_export.connections.opening import (
    POSTGRES,
    SALESFORCE,
    connect_postgres,
    make_salesforce_client,
    open_postgres,
)
from crm_export.connections.run_inputs import open_inputs

__all__ = [
    "POSTGRES",
    "SALESFORCE",
    "connect_postgres",
    "find_databases",
    "make_salesforce_client",
    "open_inputs",
    "open_postgres",
]

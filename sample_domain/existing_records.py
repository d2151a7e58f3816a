"""The records of the org before the first export: accounts, leads, contacts and opportunities."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from salesforce_sandbox.control import Control

FOLDER = Path(__file__).resolve().parent / "existing"
OBJECTS = ("Account", "Lead", "Contact", "Opportunity")
CHUNK = 2_000


def read_existing(connection: psycopg.Connection, object_name: str, scale: int = 1) -> list[dict[str, Any]]:
    """Return the records that the org already has of an object, derived from the warehouse."""
    statement = (FOLDER / f"{object_name.lower()}.sql").read_bytes()
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(statement, {"scale": scale}).fetchall()
    return [{name: _plain(value) for name, value in row.items()} for row in rows]


def fill_org(connection: psycopg.Connection, control: Control, scale: int = 1) -> bool:
    """Fill the org if it is empty, and delete the contact that a story needs deleted; returns whether it was empty."""
    if control.overview()["records"]["Account"]:
        return False
    for object_name in OBJECTS:
        records = read_existing(connection, object_name, scale)
        for start in range(0, len(records), CHUNK):
            control.add_records(object_name, records[start : start + CHUNK])
    control.delete_record("Contact", f"003MM{300 * scale:010d}")
    return True


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | bool | int | float | None) else str(value)

"""Filling the warehouse, at any scale; Postgres generates the rows, the same ones for the same seed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psycopg

FOLDER = Path(__file__).resolve().parent
TABLES = (
    *("accounts", "leads", "contacts", "opportunities", "campaigns", "campaign_members"),
    *("touchpoints", "attribution_touchpoints"),
)


@dataclass(frozen=True)
class Size:
    """How many rows of each kind: the default number times `scale`."""

    scale: int = 1

    def as_values(self, seed: int) -> dict[str, int]:
        """Return the sizes as the values of the statements."""
        usual = {
            "accounts": 60,
            "leads": 400,
            "contacts": 300,
            "opportunities": 80,
            "campaigns": 25,
            "campaign_members": 120,
            "touchpoints": 5_000,
            "attribution_touchpoints": 1_200,
        }
        return {name: count * self.scale for name, count in usual.items()} | {"seed": seed, "scale": self.scale}


def fill_source(connection: psycopg.Connection, seed: int = 7, scale: int = 1) -> bool:
    """Create the schema mm and fill it if it is empty; returns whether it was."""
    connection.execute((FOLDER / "schema.sql").read_bytes())
    filled = connection.execute("select exists (select 1 from mm.biz_accounts)").fetchone()
    if filled and filled[0]:
        return False
    with connection.transaction():
        for table in TABLES:
            statement = (FOLDER / "fill" / f"{table}.sql").read_bytes()
            connection.execute(statement, Size(scale).as_values(seed))
    connection.execute("analyze")
    return True


def change_rows(connection: psycopg.Connection, rows: int) -> int:
    """Touch the oldest touchpoints as of a minute ago, so that the next run has something to export."""
    changed = connection.execute(
        "update mm.biz_touchpoints set _modified_date = now() - interval '1 minute' where id in"
        " (select id from mm.biz_touchpoints order by _modified_date limit %s)",
        [rows],
    )
    return changed.rowcount

"""What is published of a stream: how far Salesforce is complete, and the counts of the last run."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row

from include.export.ledger import explain_database_errors
from include.sql import load_statement


def read_watermark(stream_name: str, *, connection: psycopg.Connection) -> dict[str, Any]:
    """Return the watermark and the counts of the last export of a stream, ready for JSON.

    `watermark` and `record_key` are None for a stream that has exported nothing yet. Raises RunFailure when
    Postgres fails.
    """
    with explain_database_errors(stream_name), connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(load_statement("ledger/watermark_read"), {"stream": stream_name}).fetchone() or {}
    watermark = {"stream": stream_name, "watermark": found.pop("cursor_at", None)}
    return watermark | found

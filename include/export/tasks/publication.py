"""What a stream publishes with its asset event: how far Salesforce is complete, and the counts of the last run."""

from __future__ import annotations

from typing import Any

import psycopg

from include.export.ledger import ExportHolds, explain_database_errors


def read_watermark(stream_name: str, *, connection: psycopg.Connection) -> dict[str, Any]:
    """Return the watermark and the counts of the last export of a stream, ready for JSON.

    `watermark` and `record_key` are None for a stream that has exported nothing yet. Raises RunFailure when
    Postgres fails.
    """
    with explain_database_errors(stream_name):
        found = ExportHolds(connection).read_published(stream_name)
    watermark = {"stream": stream_name, "watermark": found.pop("cursor_at", None)}
    return watermark | found

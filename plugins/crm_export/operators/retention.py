"""The last task of CRMExport_Reconcile: it deletes history after its retention period."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.sdk import Context

from crm_export.connections import find_databases, open_postgres
from crm_export.operators.base import ExportOperator
from crm_export.settings import read_keep_days
from include.export.ledger import Retention
from include.export.streams import BrokenStream, Stream


class PurgeHistoryOperator(ExportOperator):
    """Deletes runs, batches, attempts, resolved errors, closed findings and cleared alerts after crm_export_keep_days.

    Open errors and the audit are kept.
    """

    ui_color = "#e9ecef"

    def __init__(self, *, streams: Sequence[Stream | BrokenStream], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.databases = find_databases(streams)

    def perform(self, context: Context) -> dict[str, dict[str, int]]:
        """Delete in slices and return the rows by database and table."""
        return {database: self._purge(database) for database in self.databases}

    def _purge(self, database: str) -> dict[str, int]:
        with open_postgres(database) as connection:
            purged = Retention(connection, read_keep_days()).purge()
        self.log.info("Deleted: %s", ", ".join(f"{rows:,} {table}" for table, rows in purged.items()))
        return purged

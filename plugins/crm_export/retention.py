"""The last task of CRMExport_Reconcile: it deletes history that nobody needs any more."""

from __future__ import annotations

from airflow.sdk import Context

from crm_export.connections import open_postgres
from crm_export.export_operator import ExportOperator
from crm_export.settings import read_keep_days
from include.export.ledger import Retention


class PurgeHistoryOperator(ExportOperator):
    """Deletes runs, batches, attempts, resolved errors, closed findings and cleared alerts after crm_export_keep_days.

    Open errors and the audit are kept.
    """

    ui_color = "#e9ecef"

    def perform(self, context: Context) -> dict[str, int]:
        """Delete in slices and return the rows by table."""
        with open_postgres() as connection:
            purged = Retention(connection, read_keep_days()).purge()
        self.log.info("Deleted: %s", ", ".join(f"{rows:,} {table}" for table, rows in purged.items()))
        return purged

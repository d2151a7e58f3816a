"""Creates any number of rejected records in ExportErrors."""

from __future__ import annotations

from typing import Any

from exporter import Exporter


def reject(exporter: Exporter, count: int, message: str = "Rule says no to record %s", **columns: Any) -> None:
    """Add rows to ExportErrors; `%s` of the message is the row's number."""
    values = {"code": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "stream": "accounts", "attempts": 1} | columns
    exporter.connection.execute(
        "insert into crm_export.ExportErrors (stream, object, record_key, external_id, operation, error_code,"
        " error_name, error_class, error_message, error_fields, dag_id, run_id, attempts, first_seen_at, last_seen_at)"
        " select %(stream)s, 'Account', 'K' || n, 'E' || n, 'upsert', %(code)s, 'Rule', 'admin',"
        " replace(%(message)s, '%%s', n::text), '{Name}', 'CRMExport', 'run', %(attempts)s,"
        " timestamptz '2026-01-01' + n %% 7 * interval '1 hour', timestamptz '2026-01-02' + n %% 5 * interval '1 hour'"
        " from generate_series(1, %(count)s::int) n",
        values | {"count": count, "message": message},
    )

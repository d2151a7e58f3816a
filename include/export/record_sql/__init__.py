"""The SQL expressions that write a row in Salesforce's format."""

from __future__ import annotations

from include.export.record_sql.column_sql import FIELD_LIMIT, NUMBERS, Column
from include.export.record_sql.csv_record import CsvForm
from include.export.record_sql.external_id_sql import ExternalIdForm
from include.export.record_sql.json_record import RecordForm, UnreadableForm
from include.export.record_sql.key_sql import KeyForm

__all__ = [
    "FIELD_LIMIT",
    "NUMBERS",
    "Column",
    "CsvForm",
    "ExternalIdForm",
    "KeyForm",
    "RecordForm",
    "UnreadableForm",
]

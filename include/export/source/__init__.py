"""Reading the source tables: pages, windows, positions and values."""

from __future__ import annotations

from include.export.source.backlog import WaitingChanges, count_waiting_changes, read_now
from include.export.source.column_sql import FIELD_LIMIT, NUMBERS
from include.export.source.comparison_sql import SourceChecks, between
from include.export.source.copy_reader import Block, RowStream, describe_reader, export_snapshot, open_snapshot
from include.export.source.csv_record import CsvForm
from include.export.source.database_identity import read_database_identity
from include.export.source.horizon import read_horizon
from include.export.source.index_advice import warn_without_index
from include.export.source.json_record import RecordForm, UnreadableForm
from include.export.source.lag import find_oldest_waiting_delete, read_oldest_waiting
from include.export.source.listed_records import ListedRecords
from include.export.source.row_preview import SourceRow, SourceValue, read_source_row
from include.export.source.source import Source, format_count, take_half
from include.export.source.windows import SourceWindows

__all__ = [
    "FIELD_LIMIT",
    "NUMBERS",
    "Block",
    "CsvForm",
    "ListedRecords",
    "RecordForm",
    "RowStream",
    "Source",
    "SourceChecks",
    "SourceRow",
    "SourceValue",
    "SourceWindows",
    "UnreadableForm",
    "WaitingChanges",
    "between",
    "count_waiting_changes",
    "describe_reader",
    "export_snapshot",
    "find_oldest_waiting_delete",
    "format_count",
    "open_snapshot",
    "read_database_identity",
    "read_horizon",
    "read_now",
    "read_oldest_waiting",
    "read_source_row",
    "take_half",
    "warn_without_index",
]

"""Reading the source tables: pages, windows, positions and values."""

from __future__ import annotations

from include.export.source.absence import explain_filter, find_gone, may_hide_rows
from include.export.source.backlog import WaitingChanges, count_waiting_changes, read_now
from include.export.source.column_sql import FIELD_LIMIT, NUMBERS
from include.export.source.comparison_sql import SourceChecks, between
from include.export.source.copy_reader import Block, NoConnectionLeft, Readers, RowStream, export_snapshot
from include.export.source.csv_record import CsvForm
from include.export.source.database_identity import UNKNOWN, read_database_identity
from include.export.source.external_id_sql import ExternalIdForm
from include.export.source.horizon import BlockingTransaction, find_blocking_transaction, read_horizon
from include.export.source.index_advice import warn_without_index
from include.export.source.json_record import RecordForm, UnreadableForm
from include.export.source.lag import find_oldest_waiting_delete, read_oldest_waiting
from include.export.source.listed_records import ListedRecords
from include.export.source.pooler import refuse_transaction_pooling
from include.export.source.relation import explain_shared_position
from include.export.source.row_preview import SourceRow, SourceValue, read_source_row
from include.export.source.session import (
    APPLICATION_NAME,
    READY_SECONDS,
    Connect,
    open_session,
    prepare_session,
    reconnect,
)
from include.export.source.source import Source, format_count, take_half
from include.export.source.windows import SourceWindows

__all__ = [
    "APPLICATION_NAME",
    "FIELD_LIMIT",
    "NUMBERS",
    "READY_SECONDS",
    "UNKNOWN",
    "Block",
    "BlockingTransaction",
    "Connect",
    "CsvForm",
    "ExternalIdForm",
    "ListedRecords",
    "NoConnectionLeft",
    "Readers",
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
    "explain_filter",
    "explain_shared_position",
    "export_snapshot",
    "find_blocking_transaction",
    "find_gone",
    "find_oldest_waiting_delete",
    "format_count",
    "may_hide_rows",
    "open_session",
    "prepare_session",
    "read_database_identity",
    "read_horizon",
    "read_now",
    "read_oldest_waiting",
    "read_source_row",
    "reconnect",
    "refuse_transaction_pooling",
    "take_half",
    "warn_without_index",
]

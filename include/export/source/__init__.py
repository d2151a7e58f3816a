"""Reading the source tables: pages, windows, positions and values."""

from __future__ import annotations

from include.export.source.absence import explain_filter, find_gone, may_hide_rows
from include.export.source.backlog import WaitingChanges, count_waiting_changes, read_now
from include.export.source.comparison_sql import SourceChecks, between
from include.export.source.horizon import BlockingTransaction, find_blocking_transaction, read_horizon
from include.export.source.index_advice import warn_without_index
from include.export.source.lag import find_oldest_waiting_delete, read_oldest_waiting
from include.export.source.listed_records import ListedRecords
from include.export.source.listings import SourceListings
from include.export.source.relation import explain_shared_position
from include.export.source.row_preview import SourceRow, SourceValue, read_source_row
from include.export.source.source import Source, format_count, take_half
from include.export.source.source_facts import (
    ROWS_LOOKED_AT,
    VALUES_SHOWN,
    RelationColumn,
    RowFacts,
    TooSlow,
    find_values_beyond,
    find_values_within,
    read_declared_lengths,
    read_relation_columns,
    read_row_facts,
)
from include.export.source.windows import SourceWindows

__all__ = [
    "ROWS_LOOKED_AT",
    "VALUES_SHOWN",
    "BlockingTransaction",
    "ListedRecords",
    "RelationColumn",
    "RowFacts",
    "Source",
    "SourceChecks",
    "SourceListings",
    "SourceRow",
    "SourceValue",
    "SourceWindows",
    "TooSlow",
    "WaitingChanges",
    "between",
    "count_waiting_changes",
    "explain_filter",
    "explain_shared_position",
    "find_blocking_transaction",
    "find_gone",
    "find_oldest_waiting_delete",
    "find_values_beyond",
    "find_values_within",
    "format_count",
    "may_hide_rows",
    "read_declared_lengths",
    "read_horizon",
    "read_now",
    "read_oldest_waiting",
    "read_relation_columns",
    "read_row_facts",
    "read_source_row",
    "take_half",
    "warn_without_index",
]

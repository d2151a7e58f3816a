"""Read models over the exporter's tables, for the page, the terminal and the metrics."""

from __future__ import annotations

from include.export.reports.acknowledgement import Acknowledgement, read_acknowledgement
from include.export.reports.blockers import Blocker, find_blockers
from include.export.reports.error_causes import Cause, Causes, read_causes
from include.export.reports.error_counts import ErrorCounts, count_errors, count_findings, sum_errors
from include.export.reports.error_detail import Attempt, ErrorDetail, link_record, read_detail, read_instance_url
from include.export.reports.error_list import (
    UNRESOLVED,
    ErrorFilter,
    ErrorLine,
    ErrorOrder,
    ErrorPage,
    PlaceError,
    Sort,
    iterate_errors,
    read_page,
)
from include.export.reports.merged_overview import merge_overviews
from include.export.reports.overview import Overview, RunLine, StreamOverview, Summary, read_overview
from include.export.reports.resend_preview import ResendPreview, preview_resend
from include.export.reports.run_history import (
    History,
    SettingSeen,
    merge_histories,
    read_failures,
    read_history,
    read_setting_seen,
)
from include.export.reports.stream_health import StreamHealth, read_stream_health
from include.export.reports.summary import StreamSummary, summarise_streams
from include.export.reports.vocabulary import ErrorKind, ErrorStatus, RecordOperation, RunOutcome

__all__ = [
    "UNRESOLVED",
    "Acknowledgement",
    "Attempt",
    "Blocker",
    "Cause",
    "Causes",
    "ErrorCounts",
    "ErrorDetail",
    "ErrorFilter",
    "ErrorKind",
    "ErrorLine",
    "ErrorOrder",
    "ErrorPage",
    "ErrorStatus",
    "History",
    "Overview",
    "PlaceError",
    "RecordOperation",
    "ResendPreview",
    "RunLine",
    "RunOutcome",
    "SettingSeen",
    "Sort",
    "StreamHealth",
    "StreamOverview",
    "StreamSummary",
    "Summary",
    "count_errors",
    "count_findings",
    "find_blockers",
    "iterate_errors",
    "link_record",
    "merge_histories",
    "merge_overviews",
    "preview_resend",
    "read_acknowledgement",
    "read_causes",
    "read_detail",
    "read_failures",
    "read_history",
    "read_instance_url",
    "read_overview",
    "read_page",
    "read_setting_seen",
    "read_stream_health",
    "sum_errors",
    "summarise_streams",
]

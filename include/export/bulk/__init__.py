"""Windows of changed rows as jobs of Bulk API 2.0."""

from __future__ import annotations

from include.export.bulk.listed import ListedErrors
from include.export.bulk.recovery import reject_unsettled, settle_unsettled
from include.export.bulk.settlement import JobPending
from include.export.bulk.transport import BulkTransport

__all__ = [
    "BulkTransport",
    "JobPending",
    "ListedErrors",
    "reject_unsettled",
    "settle_unsettled",
]

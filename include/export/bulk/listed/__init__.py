"""Jobs of listed rows: the daily job's records, which do not form a window and do not move the watermark."""

from __future__ import annotations

from include.export.bulk.listed.listed_errors import ListedErrors
from include.export.bulk.listed.settlement import settle_listed

__all__ = ["ListedErrors", "settle_listed"]

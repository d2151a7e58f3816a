"""Checks before anything is sent: what is wrong, what the next run would do, and a first stream file."""

from __future__ import annotations

from include.export.inspection.checklist import CheckLine, Checklist, Level
from include.export.inspection.database import DatabaseCheck, check_database
from include.export.inspection.drift import DriftReport, report_drift
from include.export.inspection.forecast import SHOWN_ROWS, Forecast, PlannedRow, forecast_run
from include.export.inspection.org import DescribedOrg, check_limits, check_login
from include.export.inspection.proposal import propose_stream
from include.export.inspection.stream import StreamCheck, check_stream

__all__ = [
    "SHOWN_ROWS",
    "CheckLine",
    "Checklist",
    "DatabaseCheck",
    "DescribedOrg",
    "DriftReport",
    "Forecast",
    "Level",
    "PlannedRow",
    "StreamCheck",
    "check_database",
    "check_limits",
    "check_login",
    "check_stream",
    "forecast_run",
    "propose_stream",
    "report_drift",
]

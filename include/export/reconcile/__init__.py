"""The daily comparison of source, ledger and Salesforce."""

from __future__ import annotations

from include.export.reconcile.late_rows import export_late_rows
from include.export.reconcile.orphans import report_orphans
from include.export.reconcile.sum_checks import BrokenCheck, SumCheck, load_checks, run_check

__all__ = [
    "BrokenCheck",
    "SumCheck",
    "export_late_rows",
    "load_checks",
    "report_orphans",
    "run_check",
]

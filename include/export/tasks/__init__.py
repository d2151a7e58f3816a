"""The work of the Airflow tasks: one function for each."""

from __future__ import annotations

from include.export.tasks.export import ExportReport, export_stream
from include.export.tasks.gate import Hold, check_hold
from include.export.tasks.publication import read_watermark
from include.export.tasks.reexport import reexport_errors
from include.export.tasks.trial import try_record

__all__ = [
    "ExportReport",
    "Hold",
    "check_hold",
    "export_stream",
    "read_watermark",
    "reexport_errors",
    "try_record",
]

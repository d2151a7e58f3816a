"""The answers of Bulk jobs: result files, the tables they are joined in, and the rejections that are recorded."""

from __future__ import annotations

from include.export.bulk.results.carried_rows import WindowRows
from include.export.bulk.results.outcome import JobAnswers, read_answers
from include.export.bulk.results.recording import (
    AnswersIncomplete,
    check_count,
    check_proof,
    count_behind,
    find_unrecorded,
    record_rejections,
)
from include.export.bulk.results.result_tables import Counts, JobResults

__all__ = [
    "AnswersIncomplete",
    "Counts",
    "JobAnswers",
    "JobResults",
    "WindowRows",
    "check_count",
    "check_proof",
    "count_behind",
    "find_unrecorded",
    "read_answers",
    "record_rejections",
]

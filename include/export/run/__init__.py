"""One run of a stream under its lease."""

from __future__ import annotations

from include.export.run.circuit_breaker import check_error_count, check_job_circuit
from include.export.run.context import RunContext
from include.export.run.inputs import RunInputs
from include.export.run.keyed_rows import KeyedRows, send_keys
from include.export.run.lease_scope import open_run
from include.export.run.lease_turns import StreamTaken, give_turn, without_lease
from include.export.run.object_description import check_organization, describe_anew
from include.export.run.planning import plan_batch, plan_page
from include.export.run.report_scope import open_report
from include.export.run.resend_scope import enter_resend

__all__ = [
    "KeyedRows",
    "RunContext",
    "RunInputs",
    "StreamTaken",
    "check_error_count",
    "check_job_circuit",
    "check_organization",
    "describe_anew",
    "enter_resend",
    "give_turn",
    "open_report",
    "open_run",
    "plan_batch",
    "plan_page",
    "send_keys",
    "without_lease",
]

"""The part of a run that executes a resend: its position is the resend's progress, and no rejection stops it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace

from include.export.ledger import Resend, ResendEntry, ResendLease
from include.export.run.context import RunContext


@contextmanager
def enter_resend(run: RunContext, resend: Resend) -> Generator[RunContext]:
    """Yield the run as a resend uses it; the run's own counts continue afterwards."""
    inner = replace(
        run,
        lease=ResendLease.of(run.lease, resend.id),
        entry=ResendEntry(run.connection, run.entry.id, resend=resend.id),
        state=replace(run.state, watermark=resend.position, stopped_at_error_id=None),
        options=replace(run.options, pause_on_export_errors=False),
    )
    try:
        yield inner
    finally:
        run.counted, run.new_errors = inner.counted, inner.new_errors

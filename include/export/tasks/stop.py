"""A stream that is stopped at a record: whether the next run waits, tries that record alone, or goes on."""

from __future__ import annotations

from enum import Enum, auto

from include.export.ledger import without_stop
from include.export.run import RunContext


class Stop(Enum):
    """What a run does about the record at which its stream is stopped."""

    WAITS = auto()  # its parent is itself refused: no call until that is resolved
    PROBE = auto()  # it is sent alone first
    OVER = auto()  # nothing stops the stream any more


def examine_stop(run: RunContext, horizon: str) -> Stop:
    """Return what to do, and end the stop where it is over: setting off, row changed or gone, error decided."""
    error_id = run.state.stopped_at_error_id
    assert error_id is not None  # ruff: ignore[assert] - the caller asks only for stopped streams
    error = run.errors.read(error_id)
    following = run.source.peek(run.state.watermark, horizon)
    stands = following is not None and following.record_key == error.record_key
    if run.options.pause_on_export_errors and stands and error.status in {"open", "waiting"}:
        return Stop.WAITS if error.status == "waiting" else Stop.PROBE
    if following is None or not stands:
        _resolve_if_gone(run, error_id, error.record_key)
    with run.lease.transaction():
        run.lease.stop_at(None)
    run.state = without_stop(run.state)
    return Stop.OVER


def _resolve_if_gone(run: RunContext, error: int, record_key: str) -> None:
    if run.source.has_row(record_key):
        return
    with run.lease.transaction():
        run.errors.resolve_gone([error], run.entry.id)

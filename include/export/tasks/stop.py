"""A stream that is stopped at a record: whether the next run waits, tries that record alone, or goes on."""

from __future__ import annotations

from enum import Enum, auto

from include.export.ledger.watermarks import without_stop
from include.export.run.context import Workbench


class Stop(Enum):
    """What a run does about the record at which its stream is stopped."""

    WAITS = auto()  # its parent is itself refused: no call until that is resolved
    PROBE = auto()  # it is sent alone first
    OVER = auto()  # nothing stops the stream any more


def examine_stop(bench: Workbench, horizon: str) -> Stop:
    """Return what to do, and end the stop where it is over: setting off, row changed or gone, error decided."""
    error_id = bench.state.stopped_at_error_id
    assert error_id is not None  # ruff: ignore[assert] - the caller asks only for stopped streams
    error = bench.errors.read(error_id)
    following = bench.source.peek(bench.state.watermark, horizon)
    stands = following is not None and following.record_key == error.record_key
    if bench.options.pause_on_export_errors and stands and error.status in {"open", "waiting"}:
        return Stop.WAITS if error.status == "waiting" else Stop.PROBE
    if following is None or not stands:
        _resolve_if_gone(bench, error_id, error.record_key)
    with bench.lease.transaction():
        bench.lease.stop_at(None)
    bench.state = without_stop(bench.state)
    return Stop.OVER


def _resolve_if_gone(bench: Workbench, error: int, record_key: str) -> None:
    if bench.source.has_row(record_key):
        return
    with bench.lease.transaction():
        bench.errors.resolve_gone([error], bench.run.id)

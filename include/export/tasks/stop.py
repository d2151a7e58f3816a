"""What a run does with a stream that is stopped at a record: wait, try that record alone, or continue."""

from __future__ import annotations

import logging
from enum import Enum, auto

from include.export.ledger import without_stop
from include.export.run import RunContext
from include.export.source import find_gone

log = logging.getLogger(__name__)


class Stop(Enum):
    """What a run does with the record at which its stream is stopped."""

    WAITS = auto()  # its parent was rejected too: nothing is sent until that is resolved
    PROBE = auto()  # the record is sent alone first
    OVER = auto()  # the stream is no longer stopped


def examine_stop(run: RunContext, horizon: str) -> Stop:
    """Return what to do; end a stop that no longer applies: setting off, row changed or gone, error set aside."""
    error_id = run.state.stopped_at_error_id
    assert error_id is not None  # noqa: S101 - the caller asks only for stopped streams
    error = run.errors.read(error_id)
    following = run.source.peek(run.state.watermark, horizon)
    is_next = following is not None and following.record_key == error.record_key
    if run.options.pause_on_export_errors and is_next and error.status in {"open", "waiting"}:
        return Stop.WAITS if error.status == "waiting" else Stop.PROBE
    is_over = is_next or run.source.has_row(error.record_key) or _resolve_gone(run, error_id, error.record_key)
    if not is_over and run.options.pause_on_export_errors and error.status in {"open", "waiting"}:
        log.warning(
            "Stream %s stays stopped at key %s: its row was not found, which does not prove that it is gone "
            "(row_security: true, or a foreign table). Skip the record on the page to continue without it.",
            run.stream.name, error.record_key,
        )  # fmt: skip
        return Stop.WAITS
    with run.lease.transaction():
        run.lease.stop_at(None)
    run.state = without_stop(run.state)
    return Stop.OVER


def _resolve_gone(run: RunContext, error: int, record_key: str) -> bool:
    """Resolve an error whose row is proven gone; returns whether it is."""
    with run.lease.transaction():
        gone = find_gone(run.source, [record_key])
        if gone:
            run.errors.resolve_gone([error], run.entry.id)
    return bool(gone)

"""A stream that is stopped at a record: whether the next run waits, tries that record alone, or continues."""

from __future__ import annotations

import logging
from enum import Enum, auto

from include.export.ledger import without_stop
from include.export.run import RunContext
from include.export.source import find_gone

log = logging.getLogger(__name__)


class Stop(Enum):
    """What a run does about the record at which its stream is stopped."""

    WAITS = auto()  # its parent is itself rejected: no call until that is resolved
    PROBE = auto()  # it is sent alone first
    OVER = auto()  # nothing stops the stream any more


def examine_stop(run: RunContext, horizon: str) -> Stop:
    """Return what to do; end a stop that no longer applies: setting off, row changed or gone, error decided."""
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
            "Stream %s stays stopped at key %s: its row is not seen, which does not prove that it is gone "
            "(row_security: true, or a foreign table). Set the error aside at the page to go on without it.",
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

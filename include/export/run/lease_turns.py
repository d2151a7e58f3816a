"""Turns: a long check gives up its lease for a while, so that other runs of the stream can take it."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager

from include.export.ledger import ExportWatermarks, StreamState
from include.export.run.context import RunContext
from include.export.run.lease_scope import CHECK, take_lease
from include.export.source import SourceChecks

log = logging.getLogger(__name__)


class StreamTaken(Exception):  # noqa: N818 - no failure: the check ends early
    """The check cannot continue after a turn of other runs; the message says why. Nothing is lost."""


@contextmanager
def without_lease(run: RunContext) -> Generator[None]:
    """Give up the lease during the block and take it again; `run` then has the new lease and the current state.

    Other runs may have left something unsettled. The lease is kept while a call may still be executed, because it must
    end before anything newer is sent. Raises StreamTaken.
    """
    if run.client.in_flight:
        yield
        return
    run.lease.release()
    yield  # noqa: RUF075 - a check that fails meanwhile has nothing more to write
    _take_again(run)


def give_turn(run: RunContext) -> bool:
    """Let runs that want the lease have it first, if there are any; returns whether there were. Raises StreamTaken."""
    if run.client.in_flight or not ExportWatermarks(run.connection).is_wanted(run.stream.name):
        return False
    log.info("Stream %s: another run waits for it; this check continues when that run has ended.", run.stream.name)
    with without_lease(run):
        pass
    return True


def _take_again(run: RunContext) -> None:
    before, name = run.state, run.stream.name
    taken = take_lease(run, CHECK, again=True)
    if taken is None:
        raise StreamTaken(f"Other runs have held the lease of stream {name} for an hour; the next check continues.")
    run.lease, run.state = taken
    if run.state.check_epoch != before.check_epoch:
        raise StreamTaken(f"Another check of stream {name} began meanwhile; that one continues.")
    if _is_begun_anew(run, before):
        raise StreamTaken(f"Stream {name} was restarted meanwhile; the next check compares it.")


def _is_begun_anew(run: RunContext, before: StreamState) -> bool:
    """Return whether the watermark was moved back, or belongs to another org now."""
    state = run.state
    if before.organization_id not in {None, state.organization_id}:
        return True
    if before.watermark is None or before.watermark == state.watermark:
        return False
    return state.watermark is None or SourceChecks(run.source).is_beyond(before.watermark, state.watermark)

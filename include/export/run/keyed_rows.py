"""Sending rows by their keys: the current versions at or below the watermark, whatever their change times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from include.export.options import REEXPORT_CREDIT_SHARE
from include.export.run.context import RunContext
from include.export.run.planning import plan_batch


@dataclass
class KeyedRows:
    """Counts of rows sent by their keys; `left` rows changed again or are gone, `complete` means that none remains."""

    exported: int = 0
    rejected: int = 0
    left: int = 0
    complete: bool = True


def send_keys(run: RunContext, keys: Sequence[str], share: float = REEXPORT_CREDIT_SHARE) -> KeyedRows:
    """Send the current rows of keys that are not above the watermark, within a share of the daily API limit.

    A rejected row is recorded and does not stop the stream. Raises RunFailure when no record is to blame.
    """
    sent, remaining = KeyedRows(), list(keys)
    while remaining:
        if not run.has_credits(share):
            sent.complete = False
            return sent
        part = remaining[: run.count_batch_rows(stops=False, share=share)]
        done = _send_part(run, part, sent)
        remaining = [key for key in part if key not in done] + remaining[len(part) :]
    return sent


def _send_part(run: RunContext, keys: list[str], sent: KeyedRows) -> set[str]:
    """Send rows of one action; returns the keys that are done."""
    batch = plan_batch(run, "keys", keys=keys, **run.watermark.as_values())
    if batch is None:
        sent.left += len(keys)
        return set(keys)
    answered = run.send_batch(batch, stop_at_rejection=False)
    run.settle(batch, answered, move=False)
    sent.exported += len(answered.accepted)
    sent.rejected += len(answered.rejections)
    return {row.key for row in batch.rows}

"""How many rejections of a job are recorded."""

from __future__ import annotations

from include.export.run import RunContext

RECORDED_BEHIND = 200  # rejections behind the one that stops a stream; the others are counted by code


def limit_recorded(run: RunContext, parts: int) -> int | None:
    """Return how many rejections of a job are recorded: with the setting on few behind the first, None for all.

    The `parts` of a window share them; each records its first one, because any of them may be the first of the window.
    """
    return max((RECORDED_BEHIND + 1) // parts, 1) if run.options.pause_on_export_errors else None

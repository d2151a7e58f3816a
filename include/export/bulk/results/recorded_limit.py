"""How many rejections of a job are recorded."""

from __future__ import annotations

from include.export.run import RunContext

RECORDED_BEHIND = 200  # rejections after the one that stops a stream; all others are only counted, by code


def limit_recorded(run: RunContext, parts: int) -> int | None:
    """Return how many rejections of a job are recorded: with the setting on the first and a few more, None for all.

    The `parts` of a window share the number; each records its first one, which may be the first of the window.
    """
    return max((RECORDED_BEHIND + 1) // parts, 1) if run.options.pause_on_export_errors else None

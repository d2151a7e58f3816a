"""Look back: every run finds rows that arrived below the watermark soon after their change time."""

from __future__ import annotations

import logging

from include.export.run import RunContext, send_keys

log = logging.getLogger(__name__)
LATE_ROWS = 20_000  # most rows that one run sends; the next one finds the others


def send_late_rows(run: RunContext) -> None:
    """Send the rows within the stream's `look_back` of the watermark whose current version was not exported."""
    look_back = run.stream.look_back
    if look_back is None or run.state.watermark is None:
        return
    seconds = int(look_back.total_seconds())
    keys = run.versions.find_late(run.source, run.state.watermark, seconds, LATE_ROWS)
    if not keys:
        return
    sent = send_keys(run, keys, share=1.0)
    log.info(
        "Stream %s: %d rows arrived below the watermark: %d exported, %d rejected, %d changed again or gone",
        run.stream.name, len(keys), sent.exported, sent.rejected, sent.left,
    )  # fmt: skip


def warn_of_late_source(run: RunContext) -> None:
    """Warn in the first run of a stream whose rows may arrive later than their change times say."""
    why = run.source.relation.why_late
    if why is None or run.state.watermark is not None or run.stream.look_back is not None:
        return
    log.warning(
        "Stream %s: %s is %s. Rows that arrive below the watermark are exported by the daily check only. To find them "
        "in every run, set look_back in %s.yaml to the longest time that a row may take to arrive, for example 2h.",
        run.stream.name, run.stream.source, why, run.stream.name,
    )  # fmt: skip

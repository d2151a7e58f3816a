"""Merges the overviews of several databases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

from include.export.reports.error_counts import sum_errors
from include.export.reports.overview import Overview, StreamOverview, Summary, describe_stream
from include.export.streams import Loaded, Stream


def merge_overviews(streams: Sequence[Loaded], overviews: Sequence[Overview], problems: dict[str, str]) -> Overview:
    """Return one overview of all streams, in their order.

    `problems` holds the reason for each database that could not be read; its streams are not counted.
    """
    found = {state.name: state for overview in overviews for state in overview.streams}
    states = [found.get(stream.name) or _describe_uncounted(stream, streams, problems) for stream in streams]
    missing = [state.name for state in states if state.name not in found and state.problem]
    summaries = [overview.summary for overview in overviews]
    return Overview(
        at=max(overview.at for overview in overviews),
        streams=states,
        summary=_merge(summaries, missing),
        blockers=list(chain.from_iterable(overview.blockers for overview in overviews)),
    )


def _describe_uncounted(stream: Loaded, streams: Sequence[Loaded], problems: dict[str, str]) -> StreamOverview:
    described = describe_stream(stream, streams)
    return replace(described, problem=problems.get(stream.postgres)) if isinstance(stream, Stream) else described


def _merge(summaries: Sequence[Summary], missing: list[str]) -> Summary:
    def join(name: str) -> list[str]:
        return list(chain.from_iterable(getattr(summary, name) for summary in summaries))

    ages = [summary.oldest_age_seconds for summary in summaries if summary.oldest_age_seconds is not None]
    return Summary(
        unresolved=sum(summary.unresolved for summary in summaries),
        errors=sum_errors(summary.errors for summary in summaries),
        findings=sum(summary.findings for summary in summaries),
        waiting_rows=sum(summary.waiting_rows for summary in summaries),
        waiting_rows_capped=any(summary.waiting_rows_capped for summary in summaries),
        oldest_age_seconds=max(ages, default=None),
        held=join("held"),
        failed=join("failed"),
        broken=join("broken"),
        waiting_for_credits=join("waiting_for_credits"),
        uncounted=[*join("uncounted"), *missing],
        never_run=all(summary.never_run for summary in summaries),
    )

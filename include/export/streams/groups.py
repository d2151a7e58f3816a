"""Groups: streams that run together in a DAG of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from include.export.streams.stream import BrokenStream, Stream

_SHARED = ("schedule", "after_assets")


def find_group_problem(stream: Stream, streams: Mapping[str, Stream | BrokenStream]) -> str | None:
    """Return the problem of a stream's group among all streams, None without one."""
    return _find_parent_elsewhere(stream, streams) or _find_disagreement(stream, streams.values())


def divide_by_group(
    streams: Iterable[Stream | BrokenStream],
) -> dict[str | None, list[Stream | BrokenStream]]:
    """Return the streams of each group, parents before children; the key None holds those without a group."""
    divided: dict[str | None, list[Stream | BrokenStream]] = {None: []}
    for stream in streams:
        divided.setdefault(stream.group, []).append(stream)
    return divided


def find_children(parent: str, streams: Iterable[Stream | BrokenStream]) -> list[str]:
    """Return the streams that are exported after a stream."""
    return [stream.name for stream in streams if parent in stream.after]


def _find_parent_elsewhere(stream: Stream, streams: Mapping[str, Stream | BrokenStream]) -> str | None:
    for parent in stream.after:
        group = streams[parent].group
        if group != stream.group:
            return (
                f"after: {parent} is in {_name(group)} and this stream in {_name(stream.group)}; parents and children "
                "run in one DAG, so write the same group in both files"
            )
    return None


def _find_disagreement(stream: Stream, streams: Iterable[Stream | BrokenStream]) -> str | None:
    """Return how a stream's options differ from those of the group's first stream."""
    members = [each for each in streams if isinstance(each, Stream) and each.group == stream.group]
    if stream.group is None or not members:
        return None
    first = min(members, key=lambda each: each.name)
    for option in _SHARED:
        ours, theirs = getattr(stream, option), getattr(first, option)
        if ours != theirs:
            return (
                f"{option}: the streams of {_name(stream.group)} run together, so all their files must have the same "
                f"value (here {_show(ours)}, in {first.name}.yaml {_show(theirs)})"
            )
    return None


def _name(group: str | None) -> str:
    return f"group {group}" if group else "no group"


def _show(value: object) -> str:
    if not value:
        return "none"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else repr(value)

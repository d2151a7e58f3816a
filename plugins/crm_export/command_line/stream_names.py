"""Streams by the names that a person types."""

from __future__ import annotations

from difflib import get_close_matches

from include.export.failures import ConfigurationFailure
from include.export.streams import Stream, load_streams


def find_stream(name: str) -> Stream:
    """Return a stream; raises ConfigurationFailure for one that is not there, or whose file is broken."""
    streams = {stream.name: stream for stream in load_streams()}
    found = streams.get(name)
    if found is None:
        near = get_close_matches(name, streams, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise ConfigurationFailure(f"There is no stream {name}.{hint} Streams: {', '.join(streams)}")
    if not isinstance(found, Stream):
        raise ConfigurationFailure(found.message)
    return found


def usable_streams() -> list[Stream]:
    """Return the streams whose files are right."""
    return [stream for stream in load_streams() if isinstance(stream, Stream)]

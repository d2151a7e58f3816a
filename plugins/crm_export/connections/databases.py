"""The databases that streams read; each holds the tables of its own streams."""

from __future__ import annotations

from collections.abc import Sequence

from crm_export.connections.opening import POSTGRES
from include.export.streams import BrokenStream, Stream


def find_databases(streams: Sequence[Stream | BrokenStream]) -> list[str]:
    """Return the connection ids of the streams' databases, postgres_default first; only that if no stream is usable."""
    named = {stream.postgres for stream in streams if isinstance(stream, Stream)} or {POSTGRES}
    return sorted(named, key=lambda name: (name != POSTGRES, name))

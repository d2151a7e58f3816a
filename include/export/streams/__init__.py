"""The stream files."""

from __future__ import annotations

from include.export.streams.files import Loaded, load_streams, streams_folder
from include.export.streams.stream import ApiName, BrokenStream, Column, Operation, Stream, StreamName
from include.export.streams.strict_yaml import YamlError, read_yaml

__all__ = [
    "ApiName",
    "BrokenStream",
    "Column",
    "Loaded",
    "Operation",
    "Stream",
    "StreamName",
    "YamlError",
    "load_streams",
    "read_yaml",
    "streams_folder",
]

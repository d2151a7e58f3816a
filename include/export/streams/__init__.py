"""Stream files: reading and checking them."""

from __future__ import annotations

from include.export.streams.files import Loaded, find_stream, load_streams, streams_folder
from include.export.streams.groups import divide_by_group, find_children
from include.export.streams.option_types import (
    ApiName,
    ColumnName,
    DuplicateRule,
    NewField,
    NullMeaning,
    Operation,
    StreamName,
    write_duration,
)
from include.export.streams.stream import BrokenStream, Stream
from include.export.streams.strict_yaml import YamlError, read_yaml

__all__ = [
    "ApiName",
    "BrokenStream",
    "ColumnName",
    "DuplicateRule",
    "Loaded",
    "NewField",
    "NullMeaning",
    "Operation",
    "Stream",
    "StreamName",
    "YamlError",
    "divide_by_group",
    "find_children",
    "find_stream",
    "load_streams",
    "read_yaml",
    "streams_folder",
    "write_duration",
]

"""Loads the folder of stream files, checks them against each other, and orders parents before children."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from include.export.failures import ConfigurationFailure
from include.export.streams.groups import find_group_problem
from include.export.streams.stream import BrokenStream, Stream
from include.export.streams.strict_yaml import YamlError, read_yaml

VARIABLE = "CRM_EXPORT_STREAMS"
OTHER_FILES = frozenset({"alerts.yaml"})  # files in the same folder that are not streams
DEFAULT_FOLDER = Path(__file__).resolve().parents[2] / "streams"
_FIELDS = tuple(name for name in Stream.model_fields if name != "name")
Loaded = Stream | BrokenStream


def load_streams(folder: Path | None = None) -> tuple[Loaded, ...]:
    """Return the streams of a folder, parents before children; a broken one is returned as BrokenStream.

    `folder` defaults to the environment variable CRM_EXPORT_STREAMS, then to include/streams. Reads files only.
    Raises ConfigurationFailure when the folder has no stream file.
    """
    folder = folder or streams_folder()
    paths = sorted(path for path in folder.glob("*.yaml") if path.name not in OTHER_FILES) if folder.is_dir() else []
    if not paths:
        raise ConfigurationFailure(
            f"No stream file (*.yaml) in {folder}. Add a file for each stream, or set {VARIABLE} to another folder."
        )
    loaded = {path.stem: _load(path) for path in paths}
    return _in_order(_check_together(loaded, folder))


def find_stream(name: str) -> Stream:
    """Return a stream by its name; raises ConfigurationFailure when it does not exist or its file is invalid."""
    streams = {stream.name: stream for stream in load_streams()}
    found = streams.get(name)
    if isinstance(found, Stream):
        return found
    near = get_close_matches(name, streams, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    known = ", ".join(streams)
    raise ConfigurationFailure(found.message if found else f"There is no stream {name}.{hint} Streams: {known}")


def streams_folder() -> Path:
    """Return the folder of the stream files: CRM_EXPORT_STREAMS, else include/streams."""
    return Path(os.environ.get(VARIABLE) or DEFAULT_FOLDER)


def _load(path: Path) -> Loaded:
    name = path.stem
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name):
        safe = re.sub(r"[^a-z0-9_]", "_", name.lower())[:60] or "stream"
        return _broken(safe, path, "the file's name is the stream's name: lower-case letters, digits and _ only")
    try:
        content = read_yaml(path)
    except YamlError as wrong:
        return _broken(name, path, str(wrong))
    if not isinstance(content, dict):
        return _broken(name, path, f"must be a mapping of {', '.join(_FIELDS)}")
    if "name" in content:
        return _broken(name, path, "name: is not a field; the stream is named after the file")
    try:
        return Stream(name=name, **content)
    except ValidationError as wrong:
        return _broken(name, path, "; ".join(_summarize(error) for error in wrong.errors()[:5]), content.get("group"))


def _broken(name: str, path: Path, message: str, group: object = None) -> BrokenStream:
    known = group if isinstance(group, str) and re.fullmatch(r"[a-z][a-z0-9_]{0,62}", group) else None
    return BrokenStream(name=name, path=str(path), message=f"Stream file {path.name}: {message}", group=known)


def _summarize(error: ErrorDetails) -> str:
    place = ".".join(str(part) for part in error["loc"] if part != "[key]")
    kind = error["type"]
    if kind == "missing":
        return f"{place}: is missing"
    if kind == "extra_forbidden":
        near = get_close_matches(place, _FIELDS, n=1)
        hint = f", did you mean {near[0]}?" if near else ""
        return f"{place}: is not known{hint} Allowed: {', '.join(_FIELDS)}"
    if kind == "enum":
        allowed = error["ctx"]["expected"].replace("'", "").replace(" or ", ", ")
        return f"{place}: must be one of {allowed} (found {_clip(error['input'])})"
    if kind == "value_error":
        return f"{place}: {error['ctx']['error']}" if place else str(error["ctx"]["error"])
    if kind == "string_pattern_mismatch":
        return f"{place}: {error['input']!r} is not allowed; {_explain_pattern(place, str(error['input']))}"
    return f"{place}: {error['msg']} (found {_clip(error['input'])})"


def _explain_pattern(place: str, found: str) -> str:
    head = place.partition(".")[0]
    if "%" in found:
        return "names with % are not supported; give the table or column another name in a view"
    if head == "source":
        return "write schema.table, as in mm.biz_accounts"
    if head == "after":
        return "write the name of another stream file without .yaml"
    if head == "group":
        return "write lower-case letters, digits and _"
    if head == "after_assets":
        return "write the URI of an Airflow asset, as in dbt://warehouse/marts"
    if head in {"postgres", "salesforce"}:
        return "write the id of an Airflow connection"
    return "write Salesforce's API name, as in LastName, Parent__r.External_Id__c or Contact:Who.External_Id__c"


def _clip(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"


def _check_together(loaded: Mapping[str, Loaded], folder: Path) -> dict[str, Loaded]:
    by_name = {stream.name: stream for stream in loaded.values()}
    checked: dict[str, Loaded] = {}
    targets: dict[tuple[str, str, str], str] = {}
    for name, stream in loaded.items():
        checked[stream.name] = stream
        if isinstance(stream, Stream):
            target = (stream.salesforce, stream.object.lower(), stream.external_id.lower())
            problem = _find_problem(stream, by_name, targets.setdefault(target, name))
            if problem:
                checked[name] = _broken(name, folder / f"{name}.yaml", problem, stream.group)
    return _break_cycles(checked, folder)


def _find_problem(stream: Stream, loaded: Mapping[str, Loaded], first: str) -> str | None:
    """Return what is wrong with a stream among the others; `first` is the first stream with the same target."""
    unknown = [parent for parent in stream.after if parent not in loaded]
    if unknown:
        known = ", ".join(other for other in loaded if other != stream.name)
        return f"after: {unknown[0]} is not a stream. Streams: {known}"
    if first != stream.name:
        return (
            f"object: writes {stream.object} by {stream.external_id}, as stream {first} does; two streams would "
            "overwrite each other's records"
        )
    return find_group_problem(stream, loaded)


def _break_cycles(checked: dict[str, Loaded], folder: Path) -> dict[str, Loaded]:
    while True:
        try:
            TopologicalSorter(_parents(checked.values())).prepare()
        except CycleError as found:
            circle = found.args[1]
            for name in set(circle):
                detail = f"after: the streams form a cycle ({' -> '.join(reversed(circle))})"
                checked[name] = _broken(name, folder / f"{name}.yaml", detail, checked[name].group)
        else:
            return checked


def _parents(streams: Iterable[Loaded]) -> dict[str, list[str]]:
    return {stream.name: sorted(stream.after) for stream in streams}


def _in_order(checked: Mapping[str, Loaded]) -> tuple[Loaded, ...]:
    parents = _parents(checked[name] for name in sorted(checked))
    return tuple(checked[name] for name in TopologicalSorter(parents).static_order())

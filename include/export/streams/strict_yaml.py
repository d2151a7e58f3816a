"""Strict YAML: no aliases, no duplicate keys, no implicit types beyond booleans, null and numbers, a size limit."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

SIZE_LIMIT = 64 * 1024  # bytes


class YamlError(Exception):
    """A file is not valid strict YAML; the message says where and why."""


class _StrictMappings(yaml.constructor.SafeConstructor):
    """A constructor that checks the keys of mappings."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Reject duplicate keys and keys that are not text."""
        seen: set[str] = set()
        for key_node, _ in node.value:
            if key_node.tag != "tag:yaml.org,2002:str":
                raise YamlError(f"{_place(key_node.start_mark)}: the key {key_node.value!r} must be text; quote it.")
            if key_node.value in seen:
                raise YamlError(f"{_place(key_node.start_mark)}: the key {key_node.value} appears twice.")
            seen.add(key_node.value)
        return super().construct_mapping(node, deep=deep)


class _StrictLoader(_StrictMappings, yaml.SafeLoader):
    """SafeLoader that resolves only true/false, null and plain decimal numbers."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Reject aliases: with them a small file could expand to a huge one."""
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call] # PyYAML ships no types for it
            raise YamlError(f"{_place(event.start_mark)}: aliases (*name) are not accepted.")
        return super().compose_node(parent, index)


class _QuickLoader(_StrictMappings, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # chosen at run time
    """The same with libyaml, where PyYAML has it: five times as fast, but it cannot reject an alias by itself."""


_StrictLoader.yaml_implicit_resolvers = {}
_QuickLoader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:bool", r"true|false", "tf"),
    ("tag:yaml.org,2002:null", r"null|~|", ["n", "~", ""]),
    ("tag:yaml.org,2002:int", r"-?(?:0|[1-9][0-9]*)", "-0123456789"),
    ("tag:yaml.org,2002:float", r"-?(?:0|[1-9][0-9]*)\.[0-9]+", "-0123456789"),
):
    for _loader in (_StrictLoader, _QuickLoader):
        _loader.add_implicit_resolver(_tag, re.compile(rf"^(?:{_pattern})$"), list(_first))


def read_yaml(path: Path) -> Any:
    """Return the content of a YAML file; raises YamlError with a line number and a reason."""
    try:
        content = path.read_bytes()
    except OSError as unreadable:
        raise YamlError(f"cannot be read: {unreadable.strerror}.") from None
    if len(content) > SIZE_LIMIT:
        raise YamlError(f"is larger than {SIZE_LIMIT // 1024} KiB.")
    try:
        return _load(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise YamlError("is not UTF-8.") from None
    except yaml.MarkedYAMLError as wrong:
        raise YamlError(f"{_place(wrong.problem_mark)}: {wrong.problem or 'not YAML'}.") from None
    except (yaml.YAMLError, ValueError, RecursionError) as wrong:
        raise YamlError(f"is not YAML: {str(wrong).splitlines()[0]}") from None


def _load(text: str) -> Any:
    """Return the content; a text with an alias or a mistake is read by the slow loader, which reports the line."""
    try:
        if not _has_alias(text):
            return yaml.load(text, Loader=_QuickLoader)  # noqa: S506 - a SafeLoader made stricter
    except (yaml.YAMLError, ValueError, RecursionError):
        pass
    return yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - same


def _has_alias(text: str) -> bool:
    """Return whether YAML refers to an anchor; an asterisk in a comment or a text is none."""
    return "*" in text and any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=_QuickLoader))


def _place(mark: yaml.Mark | None) -> str:
    return f"line {mark.line + 1}" if mark else "unknown line"

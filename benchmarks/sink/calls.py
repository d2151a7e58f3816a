"""A request, as it is passed to the functions that answer it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import Message
from typing import Any

from benchmarks.sink.org import SinkOrg


@dataclass(frozen=True)
class Call:
    """A request: `words` are the variable parts of its path, `blocks` its body, each overwritten by the next."""

    org: SinkOrg
    words: tuple[Any, ...]
    query: dict[str, str]
    address: str
    headers: Message[str, str]
    blocks: Callable[[], Iterator[memoryview]]

    def read(self) -> bytes:
        """Return the whole body."""
        return b"".join(bytes(block) for block in self.blocks())

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.read())

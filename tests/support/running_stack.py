"""What tests of a running stack need: ports of their own, and waiting for what a run brings."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from local_stack.place import Ports
from local_stack.postgres import find_free_port


def free_ports() -> Ports:
    """Return ports that no program uses."""
    return Ports(find_free_port(), find_free_port(), find_free_port(), find_free_port())


def wait_for(what: str, check: Callable[[], Any], seconds: float = 150) -> Any:
    """Return what `check` finds as soon as it finds something; `what` says what did not happen in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = check()
        if found:
            return found
        time.sleep(1)
    raise AssertionError(f"{what} did not happen within {seconds} s")

"""How a client reports its start and its result; uses only the standard library, to run in any environment."""

from __future__ import annotations

import json
import resource
import sys
import time
from typing import Any


def report_ready() -> None:
    """Print when the work begins, and the CPU seconds and megabytes used until then."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 - nothing is imported for it
        peak = next(line for line in status if line.startswith("VmHWM:"))
    kilobytes = int(peak.split()[1])
    _print_json({"ready": time.monotonic(), "cpu": used.ru_utime + used.ru_stime, "mb": kilobytes * 1.024 / 1000})


def report_result(what: dict[str, Any]) -> None:
    """Print the result and when the work was done; the interpreter's end, like its start, is not part of the work."""
    _print_json(what | {"done": time.monotonic()})


def _print_json(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()

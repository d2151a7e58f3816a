"""How a client tells that its libraries are loaded; only the standard library, for any environment."""

from __future__ import annotations

import json
import resource
import sys
import time
from typing import Any


def tell_ready() -> None:
    """Print when the work begins, and the processor seconds and megabytes it took to get there."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 - nothing is imported for it
        peak = next(line for line in status if line.startswith("VmHWM:"))
    kilobytes = int(peak.split()[1])
    tell({"ready": time.monotonic(), "cpu": used.ru_utime + used.ru_stime, "mb": kilobytes * 1.024 / 1000})


def tell(what: dict[str, Any]) -> None:
    """Print a line of JSON."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()

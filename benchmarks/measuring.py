"""Measuring processes: processor seconds and peak memory, read from the kernel."""

from __future__ import annotations

import os
from pathlib import Path


def peak_megabytes(pid: int) -> float:
    """Return the highest resident memory of a process so far, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1000
    raise RuntimeError(f"process {pid} has no VmHWM; these benchmarks need Linux")


def processor_seconds(pid: int) -> float:
    """Return the user and system seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

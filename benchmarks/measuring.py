"""Measures processes: CPU seconds and peak memory, as the kernel counts them."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOOK_SECONDS = 0.02  # how often the memory of a process and its children is read
LIMIT_SECONDS = 900


class WrongResultError(Exception):
    """The measured program did not do its work, so its figures are meaningless."""


@dataclass(frozen=True)
class Measured:
    """A process from the moment it had loaded its libraries until its work was done; `printed` is its result.

    `cpu_seconds` include the end of the process.
    """

    seconds: float
    cpu_seconds: float
    start_cpu_seconds: float
    peak_mb: float
    start_mb: float
    printed: dict[str, Any]


def measure_process(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> Measured:
    """Run a client and measure it with its children; raises WrongResultError with its last output when it fails.

    A client prints a line of JSON with `ready` (the monotonic clock), `cpu` (its CPU seconds so far) and
    `mb` when it has loaded its libraries, and its result with `done` (the monotonic clock) as its last line. Without
    `done` the work ends with the process.
    """
    with tempfile.TemporaryFile(dir=folder) as output, tempfile.TemporaryFile(dir=folder) as errors:
        process = subprocess.Popen(command, stdout=output, stderr=errors, env=dict(environment), cwd=folder)  # noqa: S603
        peak, usage, status = _watch(process)
        ended = time.monotonic()
        lines = [json.loads(line) for line in _read(output).splitlines() if line.startswith("{")]
        if status or not lines:
            raise WrongResultError(f"{' '.join(command[:4])} ended with status {status}: {_read(errors)[-1500:]}")
    ready = lines[0]
    cpu, done = usage.ru_utime + usage.ru_stime, lines[-1].pop("done", ended)
    return Measured(done - ready["ready"], cpu - ready["cpu"], ready["cpu"], peak, ready["mb"], lines[-1])


def _watch(process: subprocess.Popen[bytes]) -> tuple[float, Any, int]:
    peaks: dict[int, float] = {}
    deadline = time.monotonic() + LIMIT_SECONDS
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)  # reaped here, for its rusage
            return sum(peaks.values()), usage, process.returncode
        for member in _family(process.pid):
            peaks[member] = peak_megabytes(member) or peaks.get(member, 0.0)
        if time.monotonic() > deadline:
            process.kill()
        time.sleep(LOOK_SECONDS)


def _family(pid: int) -> Iterable[int]:
    yield pid
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in children:
        yield from _family(int(child))


def _read(output: Any) -> str:
    output.seek(0)
    return str(output.read(), "utf-8", "replace")


def median(values: Iterable[float], digits: int = 2) -> float:
    """Return the median, rounded."""
    return round(statistics.median(values), digits)


def peak_megabytes(pid: int) -> float:
    """Return the highest resident memory of a process so far, in MB; 0 when it has just ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = next((line for line in status.splitlines() if line.startswith("VmHWM:")), "VmHWM: 0")
    return int(found.split()[1]) * 1.024 / 1000


def processor_seconds(pid: int) -> float:
    """Return the user and system seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

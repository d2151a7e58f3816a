"""Starts the sink as a separate process, and reads from it what arrived."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 20


@dataclass
class RunningSink:
    """A running sink; a context manager that stops it."""

    process: subprocess.Popen[bytes]
    folder: Path
    http_port: int
    https_port: int

    @property
    def https(self) -> str:
        """Return host:port of the HTTPS side."""
        return f"127.0.0.1:{self.https_port}"

    @property
    def http(self) -> str:
        """Return host:port of the HTTP side."""
        return f"127.0.0.1:{self.http_port}"

    @property
    def ca_file(self) -> Path:
        """Return the CA certificate that clients must trust."""
        return self.folder / "ca.crt"

    def reset(
        self, *, rejected: tuple[str, ...] = (), latency: float = 0.0, distinct: bool = False, pace: float = 0.0
    ) -> None:
        """Discard what arrived; from now on reject rows whose Reject__c is in `rejected`, and answer after `latency`.

        A job saves `pace` rows per second; 0: all at once.
        """
        self._ask({"rejected": rejected, "latency": latency, "distinct": distinct, "pace": pace})

    def counts(self) -> dict[str, int]:
        """Return the API calls and the jobs since the last reset."""
        counts: dict[str, int] = json.loads(self._ask(None))
        return counts

    def files(self) -> list[Path]:
        """Return the files that arrived."""
        return sorted(p for p in self.folder.iterdir() if p.suffix in {".csv", ".json"} and p.stem != "ready")

    def __enter__(self) -> RunningSink:
        """Return the sink."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the sink."""
        self.process.terminate()
        self.process.wait()

    def _ask(self, asked: Any) -> bytes:
        data = None if asked is None else json.dumps(asked).encode()
        request = Request(f"http://{self.http}/control", data=data)
        with urlopen(request, timeout=30) as answer:  # noqa: S310 - same
            content: bytes = answer.read()
        return content


def start_sink(folder: Path) -> RunningSink:
    """Start a sink with its files in `folder` and wait until it is ready; raises RuntimeError with its output."""
    ready, log = folder / "ready.json", folder / "sink.log"
    with log.open("wb") as output:
        command = [sys.executable, "-m", "benchmarks.sink", str(folder)]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)  # noqa: S603 - our own
    deadline = time.monotonic() + START_SECONDS
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            process.wait()
            raise RuntimeError(f"The sink did not start: {log.read_text(errors='replace')[-1000:]}")
        time.sleep(0.02)
    ports = json.loads(ready.read_text())
    return RunningSink(process, folder, ports["http"], ports["https"])

"""Starting the sandbox as a separate process, for tests and demonstrations."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from salesforce_sandbox.control import Control

START_SECONDS = 30
ROOT = Path(__file__).resolve().parent.parent


@dataclass
class RunningSandbox:
    """A sandbox that serves; a context manager that stops it."""

    process: subprocess.Popen[bytes]
    http_url: str
    https_url: str
    ca_file: str
    ready_file: Path

    @property
    def control(self) -> Control:
        """Return a client of the control API."""
        return Control.from_ready_file(self.ready_file)

    @property
    def https_host(self) -> str:
        """Return host:port of the HTTPS address, for connections."""
        return self.https_url.removeprefix("https://")

    def stop(self) -> None:
        """Stop the sandbox."""
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> RunningSandbox:
        """Return the sandbox."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the sandbox."""
        self.stop()


def start_sandbox(org: Path, data: Path, *, http_port: int = 0, https_port: int = 0) -> RunningSandbox:
    """Start a sandbox and wait until it serves; raises RuntimeError with the end of its log when it does not."""
    return wait_for_sandbox(launch_sandbox(org, data, http_port, https_port), data)


def launch_sandbox(org: Path, data: Path, http_port: int, https_port: int) -> subprocess.Popen[bytes]:
    """Start the process of a sandbox and return it at once."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    ready, log = data / "ready.json", data / "sandbox.log"
    ready.unlink(missing_ok=True)
    command = [sys.executable, "-m", "salesforce_sandbox", "--org", str(org), "--data", str(data)]
    command += ["--http-port", str(http_port), "--https-port", str(https_port), "--ready-file", str(ready)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    log.touch(mode=0o600)
    with log.open("wb") as output:
        return subprocess.Popen(  # noqa: S603 - our own program
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment, start_new_session=True,
            umask=0o077,
        )  # fmt: skip


def wait_for_sandbox(process: subprocess.Popen[bytes], data: Path) -> RunningSandbox:
    """Wait until a launched sandbox serves; raises RuntimeError with the end of its log when it does not."""
    ready, log = data / "ready.json", data / "sandbox.log"
    deadline = time.monotonic() + START_SECONDS
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            process.wait()
            raise RuntimeError(f"The Salesforce sandbox did not start: {log.read_text(errors='replace')[-1000:]}")
        time.sleep(0.02)
    addresses = json.loads(ready.read_text())
    return RunningSandbox(process, addresses["http_url"], addresses["https_url"], addresses["ca_file"], ready)

"""The peers that are not part of the product: where they are installed, and their requirements."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
import textwrap
import venv
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.sink.process import ROOT

PEERS = ROOT / ".venv" / "peers"
REQUIREMENTS = Path(__file__).with_name("requirements-peers.txt")


def find_node(javascript: Path) -> Path | None:
    """Return the Node that `make clients` installed with jsforce, None without it."""
    architecture = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    modules = javascript / "node_modules"
    node = modules / f"node-linux-{architecture}" / "bin" / "node"
    return node if node.exists() and (modules / "jsforce").exists() else None


def find_peers_python() -> Path | None:
    """Return the Python of the peers' own environment, made at first use; None when it cannot be made."""
    python, complete = PEERS / "bin" / "python", PEERS / "complete"
    if not complete.exists() or complete.read_text() != REQUIREMENTS.read_text():
        shutil.rmtree(PEERS, ignore_errors=True)
        venv.create(PEERS, with_pip=True)
        command = [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check", "-r", str(REQUIREMENTS)]
        if subprocess.run(command, check=False, stdout=sys.stderr).returncode:  # noqa: S603 - our own list
            return None
        shutil.copy(REQUIREMENTS, complete)
    return python


def write_drt_project(bench: Bench, query: str) -> Path:
    """Write a drt project of one sync into the folder that clients run in; returns the home with its profile."""
    home = bench.folder / "home"
    for folder in (home / ".drt", bench.folder / "syncs"):
        folder.mkdir(parents=True, exist_ok=True)
    (home / ".drt" / "profiles.yml").write_text(
        f"bench: {{type: postgres, host: 127.0.0.1, port: {bench.source.server.port}, dbname: bench, user: postgres}}\n"
    )
    (bench.folder / "drt_project.yml").write_text("name: bench\nversion: '0.1'\nprofile: bench\n")
    (bench.folder / "syncs" / "rows.yml").write_text(
        "name: rows\nmodel: |\n" + textwrap.indent(query, "  ") + "\n"
        "destination:\n  type: salesforce_bulk\n  object_name: Row__c\n  operation: upsert\n"
        f"  external_id_field: Key__c\n  instance_url: https://{bench.sink.https}\n  poll_interval_seconds: 1\n"
        "  client_id_env: SF_KEY\n  client_secret_env: SF_SECRET\n"
        "  username_env: SF_USER\n  password_env: SF_PASSWORD\n"
        "sync: {mode: full, batch_size: 10000, on_error: fail}\n"
    )
    return home

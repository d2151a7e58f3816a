"""Environments of tools that check the product, each from its own lock file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def install_tools(home: Path, lock: Path) -> bool:
    """Make the environment `home` from a lock file unless it is up to date; False when that fails."""
    stamp = home / ".installed"
    if stamp.exists() and stamp.stat().st_mtime >= lock.stat().st_mtime:
        return True
    for arguments in (
        ("venv", "--quiet", "--clear", "--python", sys.executable, str(home)),
        ("pip", "sync", "--quiet", "--python", str(home / "bin" / "python"), "--require-hashes", str(lock)),
    ):
        if subprocess.run([sys.executable, "-m", "uv", *arguments], check=False).returncode:  # noqa: S603 - constants
            return False
    stamp.touch()
    return True

"""Folders for the data of the tests' servers, in memory where there is room.

Cloning a database creates 300 files. ext4 needs up to a millisecond for each when thousands were deleted just before.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

_MEMORY = Path("/dev/shm")
_DISK = Path("/var/tmp")  # unlike /tmp, never in memory, and never a private folder of one user
_ROOM = 6 << 30  # bytes of memory


@contextmanager
def open_server_folder(what: str) -> Generator[Path]:
    """Yield a folder that the servers' user can pass, and delete it."""
    place = _MEMORY if _has_room() else _DISK
    if place == _MEMORY:
        _delete_leftovers()
    folder = Path(tempfile.mkdtemp(prefix=f"crm-{what}-{os.getpid()}-", dir=place if place.is_dir() else None))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _has_room() -> bool:
    if not os.access(_MEMORY, os.W_OK) or shutil.disk_usage(_MEMORY).free < _ROOM:
        return False
    sizes = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    return int(sizes["MemAvailable"].split()[0]) * 1024 > _ROOM


def _delete_leftovers() -> None:
    """Delete the folders of processes that were killed: in memory they would stay until the machine restarts."""
    for folder in _MEMORY.glob("crm-*-*-*"):
        number = folder.name.split("-")[2]
        if number.isdigit() and not Path(f"/proc/{number}").exists():
            shutil.rmtree(folder, ignore_errors=True)

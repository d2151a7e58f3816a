"""Redis, the queue between scheduler and workers of a stack: on 127.0.0.1, with a password, in a private folder."""

from __future__ import annotations

import shutil
from pathlib import Path

from local_stack.ports import StackError
from local_stack.private_files import make_private_folder, write_private

PROGRAM = "redis-server"


def find_redis() -> str:
    """Return the path of redis-server; raises StackError with how to install it."""
    found = shutil.which(PROGRAM)
    if found is None:
        raise StackError(
            f"Celery workers need Redis, and {PROGRAM} is not on PATH: install it (Debian and Ubuntu: "
            "RUNLEVEL=1 apt-get install redis-server, which starts no service; macOS: brew install redis), or leave "
            "WORKERS out."
        )
    return found


def write_configuration(folder: Path, port: int, password: str) -> Path:
    """Write the configuration of an empty server, readable by its owner only, and return its path.

    The queue survives a restart of the server within one stack; an earlier stack's queue is deleted.
    """
    shutil.rmtree(folder, ignore_errors=True)
    make_private_folder(folder)
    settings = {
        "port": port,
        "bind": "127.0.0.1",
        "protected-mode": "yes",
        "requirepass": password,  # not on the command line, which every user of the machine can read
        "rename-command CONFIG": '""',  # no client can make it write files elsewhere
        "dir": f'"{folder}"',
        "save": '""',
        "appendonly": "yes",
        "daemonize": "no",
    }
    path = folder / "redis.conf"
    write_private(path, "".join(f"{name} {value}\n" for name, value in settings.items()))
    return path

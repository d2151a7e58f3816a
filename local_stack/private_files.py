"""Folders and files that other users of the machine cannot read, replace or create in advance."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path
from typing import IO

PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700
PASSABLE_FOLDER = 0o711  # other users can pass through to their own folder, but not list it


class UnsafeFolderError(Exception):
    """A folder belongs to somebody else; the message says which and what to do."""


def make_private_folder(folder: Path, mode: int = PRIVATE_FOLDER, *, owner: int | None = None) -> Path:
    """Make a folder, or check an existing one, and give it to the user id `owner` (None: the current user).

    Raises UnsafeFolderError for a link, a file, and a folder that belongs to another user.
    """
    folder.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    try:
        folder.mkdir(mode=mode)
    except FileExistsError:
        check_owner(folder, owner)
    if owner is not None and os.geteuid() == 0:
        os.chown(folder, owner, -1, follow_symlinks=False)
    folder.chmod(mode)
    return folder


def check_owner(folder: Path, owner: int | None = None) -> None:
    """Raise UnsafeFolderError unless the folder is no link and belongs to this user, or to `owner`."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), owner}:
        raise UnsafeFolderError(
            f"{folder} is a link, a file or another user's folder (user id {found.st_uid}), so it is not used. Find "
            "out who made it, and remove it."
        )


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, atomically."""
    handle, draft = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    Path(draft).replace(path)


def open_private(path: Path) -> IO[bytes]:
    """Open an empty file for writing that only its owner can read; an existing link is replaced, not followed."""
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE), "wb")


def shared_folder() -> Path:
    """Return this user's folder for files outside the checkout, made and checked; root's lets other users pass."""
    place = Path("/var/tmp") if Path("/var/tmp").is_dir() else Path(tempfile.gettempdir())  # noqa: S108 - checked below
    mode = PASSABLE_FOLDER if os.geteuid() == 0 else PRIVATE_FOLDER
    return make_private_folder(place / f"crm-export-{os.geteuid()}", mode)

"""Deleting what the project keeps on this machine."""

from __future__ import annotations

import contextlib
import fcntl
import shutil

from local_stack.place import Place
from local_stack.ports import ports_folder
from local_stack.postgres import EmbeddedPostgres
from local_stack.postgres.programs import remove_copy
from local_stack.private_files import shared_folder


def delete_everything(place: Place) -> str:
    """Delete the state of an idle place, its database and the copy of Postgres; return one sentence about it."""
    EmbeddedPostgres(place.postgres).remove()
    place.forget()
    removed = remove_copy()
    _remove_reservations()
    with contextlib.suppress(OSError):  # another checkout keeps its files there
        shared_folder().rmdir()
    kept = "" if removed else " The copy of Postgres is kept: another process of this environment uses it."
    return f"Deleted: {place.folder} and its database.{kept} .venv is kept; make clean-all deletes it too."


def _remove_reservations() -> None:
    """Delete the port reservations, unless a stack of this user holds one."""
    folder = ports_folder()
    with contextlib.ExitStack() as files:
        try:
            for path in folder.iterdir():
                fcntl.flock(files.enter_context(path.open()), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return
        shutil.rmtree(folder, ignore_errors=True)

"""The ports of the stack: the default ones, those that were asked for, or free ones near them."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from local_stack.private_files import make_private_folder, shared_folder

NEARBY = 200  # ports from the default one on that are tried
LABELS = {"ui": "the Airflow UI", "postgres": "Postgres", "sandbox_http": "the sandbox, HTTP",
          "sandbox_https": "the sandbox, HTTPS", "redis": "Redis"}  # fmt: skip


class StackError(Exception):
    """The stack cannot do what was asked; the message is for the person at the terminal."""


@dataclass(frozen=True)
class Ports:
    """The ports of the stack, all on 127.0.0.1. That of Redis, which only Celery workers need, is 0 without them."""

    ui: int = 8080
    postgres: int = 15432
    sandbox_http: int = 18080
    sandbox_https: int = 18443
    redis: int = 0


USUAL = Ports()
USUAL_REDIS = 16379


class PortReservation(ExitStack):
    """Ports that this user's other stacks do not use while it is open, even before anything listens there."""

    def reserve(self, port: int) -> bool:
        """Reserve a port; returns whether it was free."""
        file = self._file(port)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return False
        if not is_free(port):
            file.close()
            return False
        self.enter_context(file)
        return True

    @staticmethod
    def _file(port: int) -> IO[str]:
        return (ports_folder() / str(port)).open("a")


def ports_folder() -> Path:
    """Return the folder of the reservations of this user."""
    return make_private_folder(shared_folder() / "ports")


def is_free(port: int) -> bool:
    """Return whether no program listens on a port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def choose_ports(reservation: PortReservation, usual_ports: Ports = USUAL) -> tuple[Ports, list[str]]:
    """Return ports that are now reserved, and a sentence for each default port that was in use.

    A default port of 0 is not needed. Raises StackError when a port that an environment variable names is taken or
    is not a port number.
    """
    usual_of = {name: usual for name, usual in asdict(usual_ports).items() if usual}
    asked = {name: _read_port(name) for name in usual_of}
    chosen = {name: port for name, port in asked.items() if port and reservation.reserve(port)}
    taken = [name for name, port in asked.items() if port and name not in chosen]
    if taken:
        raise StackError(_explain(asked, taken, reservation, usual_of))
    notes = []
    for name, usual in usual_of.items():
        if name not in chosen:
            chosen[name] = _find(usual, reservation)
            if chosen[name] != usual:
                notes.append(f"Port {usual} is in use; {LABELS[name]} is at {chosen[name]} ({variable(name)}).")
    return Ports(**chosen), notes


def variable(name: str) -> str:
    """Return the environment variable of a port."""
    return f"CRM_EXPORT_{name.upper()}_PORT"


def _find(usual: int, reservation: PortReservation, without: Iterable[int] = ()) -> int:
    found = next(
        (port for port in range(usual, usual + NEARBY) if port not in without and reservation.reserve(port)), 0
    )
    if not found:
        raise StackError(f"None of the ports {usual} to {usual + NEARBY - 1} is free.")
    return found


def _explain(asked: dict[str, int], taken: list[str], reservation: PortReservation, usual_of: dict[str, int]) -> str:
    names = ", ".join(f"{asked[name]} ({LABELS[name]}, {variable(name)})" for name in taken)
    kept = {port for name, port in asked.items() if name not in taken}
    free = {name: asked[name] if name not in taken and asked[name] else _find(usual, reservation, kept)
            for name, usual in usual_of.items()}  # fmt: skip
    offered = " ".join(f"{variable(name)}={port}" for name, port in free.items())
    return (
        f"In use by another program: {names}. Stop that program, unset the variables so that free ports are chosen, or "
        f"name free ports: {offered} make run"
    )


def _read_port(name: str) -> int:
    text = os.environ.get(variable(name), "")
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise StackError(f"{variable(name)}={text} is not a port number (1 to 65535).")
    return int(text)

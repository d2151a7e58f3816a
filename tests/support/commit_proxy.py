"""A proxy in front of Postgres that can break a connection at its next commit, before or after Postgres gets it."""

from __future__ import annotations

import contextlib
import re
import socket
import threading


class CommitProxy:
    """Forwards bytes between a client and Postgres; a context manager."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._armed: str | None = None

    def dsn_of(self, dsn: str) -> str:
        """Return the address of a database through the proxy."""
        return re.sub(r"port=\d+", f"port={self._listener.getsockname()[1]}", dsn)

    def cut(self, *, answer_only: bool) -> None:
        """Break the connection at the next commit: only its answer is lost, or it never reaches Postgres."""
        self._armed = "answer" if answer_only else "commit"

    def __enter__(self) -> CommitProxy:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._port))
                threading.Thread(target=self._pass_on, args=(client, server), daemon=True).start()
                threading.Thread(target=self._answer, args=(server, client), daemon=True).start()

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                if self._armed == "commit" and b"COMMIT" in data:
                    break
                server.sendall(data)
        _close(client, server)

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                if self._armed == "answer" and b"COMMIT" in data:
                    break
                client.sendall(data)
        _close(client, server)


def _close(*sockets: socket.socket) -> None:
    for each in sockets:
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()

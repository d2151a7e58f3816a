"""Postgres over TLS: an encrypting proxy in front of a server without TLS."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from salesforce_sandbox.certificates import prepare_certificates

BLOCK = 65536


class TlsProxy:
    """Listens on a free port; `dsn_of` gives the address of a database behind it."""

    def __init__(self, target: str, folder: Path) -> None:
        """Listen in front of the server of an address; the certificate is created in `folder`."""
        known = conninfo_to_dict(target)
        self._target = (str(known["host"]), int(str(known["port"])))
        self._tls = prepare_certificates(folder)
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    def dsn_of(self, target: str) -> str:
        """Return the address of a database through the proxy; connections are encrypted or rejected."""
        return make_conninfo(target, port=self._listener.getsockname()[1], sslmode="require")

    def close(self) -> None:
        """Accept no further connection."""
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client: socket.socket) -> None:
        client.recv(8, socket.MSG_WAITALL)  # SSLRequest
        client.sendall(b"S")
        with self._tls.wrap_socket(client, server_side=True) as secure, socket.create_connection(self._target) as plain:
            back = threading.Thread(target=_pump, args=(plain, secure), daemon=True)
            back.start()
            _pump(secure, plain)
            back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while block := source.recv(BLOCK):
            target.sendall(block)
        target.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # one side is gone

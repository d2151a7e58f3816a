"""The raw limit: psql's COPY into one HTTP upload, spliced by the kernel over HTTP, encrypted over HTTPS."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
from typing import IO

from benchmarks.clients.ready import report_ready, report_result

BLOCK = 1 << 20


def main() -> None:
    """Upload the rows; the request states their size, which is known from an earlier COPY."""
    asked = json.loads(sys.argv[1])
    report_ready()
    host, _, port = asked["org"].partition(":")
    command = [asked["psql"], "--no-psqlrc", "-qAt", asked["dsn"], "-c", "set timezone = 'UTC'", "-c", asked["copy"]]
    with (
        socket.create_connection((host, int(port))) as plain,
        subprocess.Popen(command, stdout=subprocess.PIPE) as psql,  # noqa: S603 - the psql of the benchmark's Postgres
    ):
        assert psql.stdout is not None  # noqa: S101 - a pipe was asked for
        head = (
            f"PUT /services/data/v59.0/jobs/ingest/{asked['job']}/batches HTTP/1.1\r\nHost: {host}\r\n"
            f"Content-Type: text/csv\r\nContent-Length: {asked['size']}\r\nConnection: close\r\n\r\n"
        ).encode()
        if asked["ca_file"]:
            answer = _encrypt(plain, asked["ca_file"], head, psql.stdout)
        else:
            answer = _splice(plain, head, psql.stdout)
    report_result({"status": int(answer.split()[1]), "psql": psql.returncode})


def _encrypt(plain: socket.socket, ca_file: str, head: bytes, rows: IO[bytes]) -> bytes:
    context = ssl.create_default_context(cafile=ca_file)
    with context.wrap_socket(plain, server_hostname="127.0.0.1") as secure:
        secure.sendall(head)
        room = bytearray(BLOCK)
        while got := rows.readinto(room):  # type: ignore[attr-defined] # a BufferedReader
            secure.sendall(memoryview(room)[:got])
        return secure.recv(1000)


def _splice(plain: socket.socket, head: bytes, rows: IO[bytes]) -> bytes:
    plain.sendall(head)
    while os.splice(rows.fileno(), plain.fileno(), BLOCK):
        pass
    return plain.recv(1000)


if __name__ == "__main__":
    main()

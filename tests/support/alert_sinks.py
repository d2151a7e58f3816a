"""Real receivers of alerts: a mail server, and an HTTP server that also plays the hosts behind a proxy's CONNECT."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, cast

import trustme
from aiosmtpd.controller import Controller


@dataclass
class HttpSink:
    """Received requests: path and JSON body; `status` is the status of the answer."""

    port: int
    ca_file: Path
    requests: list[tuple[str, Any]] = field(default_factory=list)
    status: int = 200


@contextmanager
def serve_http(folder: Path, host: str) -> Generator[HttpSink]:
    """Serve HTTP, and HTTPS as `host` behind CONNECT, on a free local port."""
    authority = trustme.CA()
    ca_file = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sink.requests.append((self.path, json.loads(body)))
            self.send_response(sink.status)
            answer = b'{"status": "success", "message": "", "dedup_key": "k"}' if "/v2/" in self.path else b"ok"
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def do_CONNECT(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.connection = context.wrap_socket(self.connection, server_side=True)
            self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)
            self.close_connection = False

        def finish(self) -> None:
            super().finish()
            self.connection.close()

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sink = HttpSink(server.server_port, ca_file)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield sink
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class MailSink:
    """Received mails."""

    port: int
    mails: list[EmailMessage] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep a mail."""
        self.mails.append(cast("EmailMessage", message_from_bytes(envelope.content, policy=policy.default)))
        return "250 OK"


@contextmanager
def serve_mail() -> Generator[MailSink]:
    """Serve SMTP on a free local port."""
    with socket.create_server(("127.0.0.1", 0)) as free:  # aiosmtpd reads its port before it has one
        sink = MailSink(free.getsockname()[1])
    controller = Controller(sink, hostname="127.0.0.1", port=sink.port)
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()

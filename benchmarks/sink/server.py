"""The HTTP side of the sink: large bodies are written to files in blocks, and nothing is parsed unnecessarily."""

from __future__ import annotations

import json
import re
import socket
import ssl
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from benchmarks.sink.answers import ROUTES, Reply
from benchmarks.sink.calls import Call
from benchmarks.sink.org import SinkOrg
from benchmarks.sink.uploads import BLOCK


class SinkServer(ThreadingHTTPServer):
    """A server on a free port of 127.0.0.1, with one thread per connection."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, org: SinkOrg, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), SinkHandler)
        self.org, self.tls = org, tls

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection; its own thread does the handshake."""
        accepted, address = super().get_request()
        if self.tls:
            accepted = self.tls.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False)
        return accepted, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect."""


class SinkHandler(BaseHTTPRequestHandler):
    """Answers the requests of one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    rbufsize, wbufsize = BLOCK, BLOCK

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the library's name
        """Log nothing."""

    def handle_expect_100(self) -> bool:
        """Let the client send its body at once."""
        super().handle_expect_100()
        self.wfile.flush()
        return True

    def answer(self) -> None:
        """Answer a request with the first matching route."""
        split = urlsplit(self.path)
        org = cast("SinkServer", self.server).org
        calls = org.calls
        if split.path.startswith(("/services/data/", "/services/async/")):
            calls = org.count_call()
            time.sleep(org.latency)
        for method, pattern, act in ROUTES:
            found = re.fullmatch(pattern, split.path, re.IGNORECASE)
            if found and method == self.command:
                query = {name: values[0] for name, values in parse_qs(split.query).items()}
                self._send(act(self._call(found.groups(), query)), calls)
                return
        for _ in self.blocks():
            pass
        message = [{"errorCode": "NOT_FOUND", "message": f"The sink does not know {self.command} {split.path}"}]
        self._send(Reply(404, message), calls)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - the library's names

    def blocks(self) -> Iterator[memoryview]:
        """Yield the body in blocks; each is overwritten by the next."""
        room = bytearray(BLOCK)
        view = memoryview(room)
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            yield from self._take(int(self.headers.get("Content-Length") or 0), view)
            return
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            yield from self._take(size, view)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass

    @property
    def address(self) -> str:
        """Return the address of this server."""
        server = cast("SinkServer", self.server)
        return f"{'https' if server.tls else 'http'}://127.0.0.1:{server.server_port}"

    def _call(self, words: tuple[Any, ...], query: dict[str, str]) -> Call:
        org = cast("SinkServer", self.server).org
        return Call(org, words, query, self.address, self.headers, self.blocks)

    def _take(self, size: int, view: memoryview) -> Iterator[memoryview]:
        while size:
            got = self.rfile.readinto(view[: min(size, BLOCK)])
            if not got:
                raise ConnectionResetError("the client hung up")
            size -= got
            yield view[:got]

    def _send(self, reply: Reply, calls: int) -> None:
        self.send_response(reply.status)
        self.send_header("Sforce-Limit-Info", f"api-usage={calls}/10000000")
        self.send_header("Content-Type", reply.kind)
        if reply.parts is None:
            content = b"" if reply.body is None else json.dumps(reply.body).encode()
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        else:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for part in filter(None, reply.parts):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
            self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

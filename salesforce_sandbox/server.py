"""The server: one org over HTTP and HTTPS until SIGTERM, with a ready file that holds its addresses."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import signal
import socket
import ssl
from collections.abc import Generator
from pathlib import Path

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from salesforce_sandbox.api.app import TRANSPORT, make_app
from salesforce_sandbox.api.guard import Guard
from salesforce_sandbox.certificates import prepare_certificates
from salesforce_sandbox.org.org import Org


class _Protocol(HttpToolsProtocol):
    """Gives the application access to the connection, so that a fault can cut it."""

    def on_message_begin(self) -> None:
        """Add the connection to the scope of the request."""
        super().on_message_begin()
        self.scope[TRANSPORT] = self.transport  # type: ignore[literal-required] # an extension of ours


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals to `serve`: there are two servers in one loop."""
        yield


def serve(org: Org, folder: Path, http_port: int, https_port: int, ready: Path | None, guard: Guard) -> None:
    """Serve an org until SIGTERM or SIGINT; raises OSError when a port is taken."""
    # a Bulk batch has tens of thousands of lists without cycles, which the garbage collector would scan repeatedly
    gc.set_threshold(100_000, 50, 100)
    asyncio.run(_serve(org, folder, http_port, https_port, ready, guard))


async def _serve(org: Org, folder: Path, http_port: int, https_port: int, ready: Path | None, guard: Guard) -> None:
    app = make_app(org, guard)
    plain, secure = _listen(http_port), _listen(https_port)
    context = prepare_certificates(folder)
    servers = [_make_server(app, None), _make_server(app, context)]
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop, servers)
    tasks = [
        asyncio.create_task(server.serve(sockets=[listener]))
        for server, listener in zip(servers, (plain, secure), strict=True)
    ]
    while not all(server.started or task.done() for server, task in zip(servers, tasks, strict=True)):
        await asyncio.sleep(0.02)
    _announce(ready, folder, plain, secure, guard)
    await asyncio.gather(*tasks)
    org.storage.close()


def _make_server(app: object, context: ssl.SSLContext | None) -> _Server:
    config = uvicorn.Config(
        app,  # type: ignore[arg-type] # an ASGI application
        http=_Protocol,
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
        timeout_keep_alive=75,
    )
    config.load()
    config.ssl = context
    return _Server(config)


def _listen(port: int) -> socket.socket:
    # asyncio disables Nagle's algorithm only for sockets that name their protocol; otherwise each answer takes 40 ms
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    return listener


def _stop(servers: list[_Server]) -> None:
    for server in servers:
        server.should_exit = True


def _announce(ready: Path | None, folder: Path, plain: socket.socket, secure: socket.socket, guard: Guard) -> None:
    http_url = f"http://127.0.0.1:{plain.getsockname()[1]}"
    addresses = {
        "http_url": http_url,
        "https_url": f"https://127.0.0.1:{secure.getsockname()[1]}",
        "ca_file": str(folder / "ca.crt"),
        "control_url": http_url,
        "control_token": guard.token,
        "pid": os.getpid(),
    }
    print(f"Salesforce sandbox: {addresses['https_url']} and {http_url}")
    print(f"export REQUESTS_CA_BUNDLE={addresses['ca_file']}")
    if ready:
        draft = ready.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(addresses))
        draft.rename(ready)

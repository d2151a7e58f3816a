"""Limits on the page's concurrent requests, so that it neither slows Airflow nor uses up Postgres connections.

The limits apply to each process of the API server.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

REQUESTS, DOWNLOADS, INSPECTIONS = 8, 2, 2  # concurrent requests of the API; checks and plans also call Salesforce
WAIT_SECONDS = 1.0  # before a request is rejected: one view sends four requests at once
# after which a request is cut off, even if its client does not read
REQUEST_SECONDS, DOWNLOAD_SECONDS, INSPECTION_SECONDS = 60, 600, 300
_POLL_SECONDS = 0.02


class Turns:
    """A number of concurrent turns, taken and returned in the thread of the event loop."""

    def __init__(self, most: int) -> None:
        self.most, self.taken = most, 0

    @contextmanager
    def take(self) -> Generator[None]:
        """Hold a turn until the end of the block."""
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1

    @property
    def is_free(self) -> bool:
        """Whether a turn is free."""
        return self.taken < self.most


class Bounds:
    """Middleware that rejects API requests beyond the limits with 429."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.requests, self.downloads, self.inspections = Turns(REQUESTS), Turns(DOWNLOADS), Turns(INSPECTIONS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on when it is its turn."""
        path = str(scope.get("path", "")) if scope["type"] == "http" else ""
        if "/api/" not in path:
            await self.app(scope, receive, send)
        elif path.endswith(".csv"):
            await self._pass([self.downloads, self.requests], DOWNLOAD_SECONDS, scope, receive, send)
        elif path.endswith(("/api/check", "/plan")):
            await self._pass([self.inspections, self.requests], INSPECTION_SECONDS, scope, receive, send)
        else:
            await self._pass([self.requests], REQUEST_SECONDS, scope, receive, send)

    async def _pass(self, turns: list[Turns], seconds: float, scope: Scope, receive: Receive, send: Send) -> None:
        if not await _wait(turns):
            await _reject()(scope, receive, send)
            return
        with ExitStack() as taken:
            for turn in turns:
                taken.enter_context(turn.take())
            async with asyncio.timeout(seconds):
                await self.app(scope, receive, send)


async def _wait(turns: list[Turns]) -> bool:
    end = time.monotonic() + WAIT_SECONDS
    while not all(turn.is_free for turn in turns):
        if time.monotonic() > end:
            return False
        await asyncio.sleep(_POLL_SECONDS)
    return True


def _reject() -> JSONResponse:
    message = "Too many requests from this page are running. Wait a moment and retry."
    return JSONResponse({"error": {"code": "too_busy", "message": message}}, 429, {"Retry-After": "2"})

"""The page, imported at its first request: every Airflow process loads plugins, only the API server serves them."""

from __future__ import annotations

from threading import Lock

from starlette.types import ASGIApp, Receive, Scope, Send


class LazyPage:
    """An app that is made at its first request."""

    def __init__(self) -> None:
        self._app: ASGIApp | None = None
        self._lock = Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        await self._load()(scope, receive, send)

    def _load(self) -> ASGIApp:
        with self._lock:
            if self._app is None:
                from crm_export.page.app import make_app

                self._app = make_app()
            return self._app

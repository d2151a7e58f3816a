"""The page's app: the JSON API behind a login, the files of the front end, and security headers on every answer."""

from __future__ import annotations

import re
from pathlib import Path

from airflow.api_fastapi.core_api.security import get_user
from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from crm_export.page.bounds import Bounds
from crm_export.page.failures import answer_failures
from crm_export.page.guards import SecurityHeaders, may_read, may_see_counts
from crm_export.page.routes import (
    actions,
    alerts,
    causes,
    dags,
    downloads,
    errors,
    headline,
    inspection,
    overview,
    resends,
    settings,
    trials,
)

VIEWS = ("overview", "streams", "errors", "activity", "history", "alerts", "check")
STATIC = Path(__file__).parent / "static"


def make_app() -> ASGIApp:
    """Return the app that the plugin mounts."""
    return SecurityHeaders(Bounds(make_api()))


def make_api() -> FastAPI:
    """Return the routes; all but the front end's files require a login."""
    app = FastAPI(title="CRM Export", docs_url=None, redoc_url=None, openapi_url=None)
    answer_failures(app)
    for module in (overview, settings, downloads, errors, causes, actions, trials, dags, alerts, resends, inspection):
        app.include_router(module.router, prefix="/api", dependencies=[Depends(get_user), may_read])
    app.include_router(headline.router, prefix="/api", dependencies=[Depends(get_user), may_see_counts])
    app.mount("/static", StaticFiles(directory=STATIC, check_dir=False), name="static")
    for view in VIEWS:
        for path in (f"/{view}", f"/{view}/{{item}}"):
            app.add_api_route(path, _show_page, methods=["GET"], include_in_schema=False)
    app.add_api_route("/", _show_page, methods=["GET"], include_in_schema=False)
    return app


def _show_page(item: str | None = None) -> HTMLResponse:
    """Return the front end; the relative paths of its files follow the depth of the address."""
    shell = (STATIC / "index.html").read_text(encoding="utf-8")
    up = "../" if item is not None else ""
    return HTMLResponse(re.sub(r'((?:href|src)=")((?:\.\./)?static/)', rf"\1{up}\2", shell))

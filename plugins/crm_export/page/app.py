"""The page's app: the JSON API behind a login, the files of the front end, the same headers on everything."""

from __future__ import annotations

from pathlib import Path

from airflow.api_fastapi.core_api.security import get_user
from fastapi import Depends, FastAPI
from fastapi.responses import FileResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from crm_export.page.bounds import Bounds
from crm_export.page.failures import answer_failures
from crm_export.page.guards import SecurityHeaders, may_read
from crm_export.page.routes import actions, errors, overview, settings, trials

STATIC = Path(__file__).parent / "static"


def make_app() -> ASGIApp:
    """Return the app that the plugin mounts."""
    return SecurityHeaders(Bounds(make_api()))


def make_api() -> FastAPI:
    """Return the routes; every one of them but the front end's files asks who is there."""
    app = FastAPI(title="CRM Export", docs_url=None, redoc_url=None, openapi_url=None)
    answer_failures(app)
    for module in (overview, settings, errors, actions, trials):
        app.include_router(module.router, prefix="/api", dependencies=[Depends(get_user), may_read])
    app.mount("/static", StaticFiles(directory=STATIC, check_dir=False), name="static")
    app.add_api_route("/", _show_page, methods=["GET"], include_in_schema=False)
    return app


def _show_page() -> FileResponse:
    return FileResponse(STATIC / "index.html")

"""The address of the page."""

from __future__ import annotations

from urllib.parse import urlsplit

PREFIX = "crm-export"  # below Airflow's own address
ROUTE = "crm_export"  # the page's place in Airflow's UI, which shows the path that follows in a frame
TITLE = "CRM Export"
_VIEWS = {"error": "errors", "stream": "streams"}


def link_page(log_url: str, **query: int | str) -> str:
    """Return the page's address of an `error` or a `stream` inside Airflow's UI, derived from a task's log address."""
    path = "".join(f"{_VIEWS[name]}/{value}" for name, value in query.items())
    return locate_page(log_url.partition("/dags/")[0], path)


def locate_page(base_url: str, path: str = "") -> str:
    """Return the address of a path of the page inside Airflow's UI, whose own address is `base_url`."""
    base = base_url.rstrip("/")
    return f"{base}/plugin/{ROUTE}{urlsplit(base).path}/{PREFIX}/{path}"

"""Registers CRM Export in Airflow's UI: the page in the navigation and as a tab of the DAGs."""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from crm_export.links import PageLink
from crm_export.page.lazy import LazyPage
from crm_export.page_address import PREFIX, ROUTE, TITLE


class CrmExportPlugin(AirflowPlugin):
    """The page: an app of its own inside the API server, shown in a frame."""

    name = "crm_export"
    fastapi_apps: list[Any] = [{"app": LazyPage(), "url_prefix": f"/{PREFIX}", "name": TITLE}]  # noqa: RUF012 - Airflow's interface
    operator_extra_links: list[Any] = [PageLink()]  # noqa: RUF012 - Airflow's interface
    # addresses are relative, without a leading slash: Airflow may live under a path of its own
    external_views: list[Any] = [  # noqa: RUF012 - Airflow's interface
        {
            "name": TITLE,
            "href": f"{PREFIX}/",
            "destination": "nav",
            "url_route": ROUTE,
            "nav_top_level": True,
        },
        {
            "name": TITLE,
            "href": f"{PREFIX}/?dag={{DAG_ID}}",
            "destination": "dag",
            "url_route": "crm_export_dag",
        },
    ]

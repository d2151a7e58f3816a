"""The link from a stream's gate to the page CRM Export."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.configuration import conf
from airflow.sdk import BaseOperatorLink

from crm_export.page_address import TITLE, locate_page

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey


class PageLink(BaseOperatorLink):
    """Leads from a task to its stream on the page."""

    name = TITLE

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the address of the page, with the stream of the task shown first."""
        base = str(conf.get("api", "base_url", fallback="") or "")
        stream = ti_key.task_id.partition(".")[0]  # the group is the stream's name
        return locate_page(base, f"streams/{stream}")

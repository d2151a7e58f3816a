"""Where the page lives."""

from __future__ import annotations

PREFIX = "crm-export"  # below Airflow's own address
TITLE = "CRM Export"


def link_page(log_url: str, **query: int | str) -> str:
    """Return the address of the page, from that of any task's log; the query says what to show first."""
    shown = "&".join(f"{name}={value}" for name, value in query.items())
    return f"{log_url.partition('/dags/')[0]}/{PREFIX}/?{shown}"

"""The headline for whoever may see the DAG CRMExport: counts and names of streams, nothing of a record."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter

from crm_export.page.dag_runs import DagState, find_dags
from crm_export.page.dag_tasks import find_failed_tasks
from crm_export.page.database import Postgres
from crm_export.page.setting_values import read_setting
from crm_export.settings import EXPORT_TO_CRM
from include.export.ledger import ExportAlerts
from include.export.reports import Summary, read_overview
from include.export.salesforce import Catalogue
from include.export.streams import load_streams

router = APIRouter()


@dataclass(frozen=True)
class Headline:
    """Whether everything is in Salesforce; `failed_tasks`, `blockers` and open `alerts` are how many there are."""

    at: str
    export_to_crm: bool
    dags: list[DagState]
    summary: Summary
    failed_tasks: int
    blockers: int
    alerts: int


@router.get("/headline")
def read_headline(connection: Postgres) -> Headline:
    """Return the headline."""
    overview = read_overview(load_streams(), connection=connection, catalogue=Catalogue.load())
    return Headline(
        at=overview.at,
        export_to_crm=bool(read_setting(EXPORT_TO_CRM).value),
        dags=find_dags(),
        summary=overview.summary,
        failed_tasks=len(find_failed_tasks()),
        blockers=len(overview.blockers),
        alerts=ExportAlerts(connection).count().open,
    )

"""The headline for everybody who may see the DAG CRMExport: counts and names of streams, no record data."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter

from crm_export.page.all_streams import read_all_streams
from crm_export.page.dag_runs import DagState, find_dags
from crm_export.page.database import read_each
from crm_export.page.setting_values import read_setting
from crm_export.settings import EXPORT_TO_CRM
from include.export.ledger import ExportAlerts
from include.export.reports import Summary

router = APIRouter()


@dataclass(frozen=True)
class Headline:
    """Whether everything is in Salesforce; `failed_tasks`, `blockers` and open `alerts` are counts."""

    at: str
    export_to_crm: bool
    dags: list[DagState]
    summary: Summary
    failed_tasks: int
    blockers: int
    alerts: int


@router.get("/headline")
def read_headline() -> Headline:
    """Return the headline over all databases."""
    found = read_all_streams()
    counts = read_each(lambda _, connection: ExportAlerts(connection).count()).found
    overview = found.overview
    return Headline(
        at=overview.at,
        export_to_crm=bool(read_setting(EXPORT_TO_CRM).value),
        dags=find_dags(),
        summary=overview.summary,
        failed_tasks=len(found.failed_tasks),
        blockers=len(overview.blockers),
        alerts=sum(count.open for count in counts.values()),
    )

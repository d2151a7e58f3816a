"""The export errors of a filter as a CSV file; downloads are audited."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import StreamingResponse

from crm_export.page.csv_download import write_csv
from crm_export.page.database import Chosen, open_database
from crm_export.page.guards import name_user
from crm_export.page.routes.errors import Filter, Order
from include.export.ledger import AuditLine, ExportAudit
from include.export.reports import ErrorFilter, ErrorLine, ErrorOrder, iterate_errors

router = APIRouter()


@router.get("/errors.csv")
def download_errors(
    wanted: Filter, order: Order, database: Chosen, actor: Annotated[str, Depends(name_user)]
) -> StreamingResponse:
    """Return the errors of a filter as a CSV file that is safe to open in a spreadsheet."""
    with open_database(database) as connection:
        ExportAudit(connection).write(AuditLine(actor, "download", selection=describe_filter(wanted)))
    lines = write_csv(ErrorLine, _iterate(wanted, order, database))
    first = next(lines)  # a database that does not answer is reported before the download begins
    return StreamingResponse(
        _chain(first, lines),
        media_type="text/csv; charset=utf-8; header=present",
        headers={"Content-Disposition": 'attachment; filename="export-errors.csv"'},
    )


def describe_filter(wanted: ErrorFilter) -> str:
    """Describe a filter for the audit, without the search text, which may be a record's value."""
    chosen = {name: value for name, value in asdict(wanted).items() if value and name not in {"statuses", "search"}}
    words = [f"{name} {value}" for name, value in chosen.items()] + (["search"] if wanted.search else [])
    return f"errors {', '.join(wanted.statuses)}" + (f" ({', '.join(words)})" if words else "")


def _iterate(wanted: ErrorFilter, order: ErrorOrder, database: str) -> Iterator[ErrorLine]:
    with open_database(database) as connection:
        yield from iterate_errors(wanted, order, connection=connection)


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest

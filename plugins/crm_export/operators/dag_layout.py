"""Which DAG exports which stream, when it runs, and which tasks a process must build."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence

from airflow.sdk import Asset, get_parsing_context

from include.export.streams import BrokenStream, Stream

EXPORT_DAG = "CRMExport"
ACTIVE_RUNS = 8  # a run skips streams that another run exports: one long load delays no other stream
ACTIVE_RUNS_VARIABLE = "CRM_EXPORT_ACTIVE_RUNS"
log = logging.getLogger(__name__)
Loaded = Stream | BrokenStream


def export_dag_id(group: str | None) -> str:
    """Return the id of the DAG that exports the streams of a group; None for streams without a group."""
    return f"{EXPORT_DAG}_{group}" if group else EXPORT_DAG


def find_export_dags(streams: Sequence[Loaded]) -> dict[str, str]:
    """Return the id of the DAG that exports each stream."""
    return {stream.name: export_dag_id(stream.group) for stream in streams}


def find_schedule(streams: Sequence[Loaded]) -> str | list[Asset]:
    """Return when the streams of one group run: at its schedule, after its assets, or as CRMExport does.

    CRMExport runs hourly, or as the environment variable CRM_EXPORT_SCHEDULE says.
    """
    usable = [stream for stream in streams if isinstance(stream, Stream)]
    if usable and usable[0].after_assets:
        return [Asset(uri=uri) for uri in usable[0].after_assets]
    chosen = usable[0].schedule if usable else None
    return chosen or os.environ.get("CRM_EXPORT_SCHEDULE") or "@hourly"


def find_active_runs() -> int:
    """Return how many runs of an export DAG may overlap: CRM_EXPORT_ACTIVE_RUNS, 8 if that is missing or invalid."""
    asked = os.environ.get(ACTIVE_RUNS_VARIABLE, "").strip()
    if not asked or (asked.isascii() and asked.isdigit() and int(asked) > 0):
        return int(asked or ACTIVE_RUNS)
    log.warning("%s is %r, which is not a number above 0; %d is used.", ACTIVE_RUNS_VARIABLE, asked, ACTIVE_RUNS)
    return ACTIVE_RUNS


def choose_streams(streams: Sequence[Loaded]) -> Sequence[Loaded]:
    """Return the streams whose tasks must be built: in a worker only that of its task, else all."""
    context = get_parsing_context()
    name = (context.task_id or "").partition(".")[0]
    return [stream for stream in streams if stream.name == name] or streams

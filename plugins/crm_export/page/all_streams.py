"""The state of the streams of every database."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from crm_export.connections import find_databases
from crm_export.page.dag_tasks import FailedTask, Reasons, add_reasons, find_failed_tasks, read_reasons
from crm_export.page.database import DatabaseProblem, read_each
from include.export.reports import Overview, merge_overviews, read_overview
from include.export.salesforce import load_catalogue
from include.export.streams import Stream, load_streams


@dataclass(frozen=True)
class AllStreams:
    """The overview of all streams, the failed tasks, and the databases that could not be read."""

    overview: Overview
    failed_tasks: list[FailedTask]
    unreachable: list[DatabaseProblem]


def read_all_streams() -> AllStreams:
    """Return the state of the streams; when no database can be read, raises the failure of the first."""
    streams, tasks = load_streams(), find_failed_tasks()
    main = find_databases(streams)[0]

    def read(name: str, connection: psycopg.Connection) -> tuple[Overview, Reasons]:
        own = [s for s in streams if (s.postgres == name if isinstance(s, Stream) else name == main)]
        return read_overview(own, connection=connection, catalogue=load_catalogue()), read_reasons(tasks, connection)

    answers = read_each(read)
    problems = {problem.database: problem.message for problem in answers.unreachable}
    overview = merge_overviews(streams, [found for found, _ in answers.found.values()], problems)
    reasons = {task: reason for _, found in answers.found.values() for task, reason in found.items()}
    return AllStreams(overview, add_reasons(tasks, reasons), answers.unreachable)

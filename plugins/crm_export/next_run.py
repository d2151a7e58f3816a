"""When a DAG runs next, by its own timetable."""

from __future__ import annotations

from datetime import datetime

import pendulum
from airflow.sdk import DAG


def find_next_run(dag: DAG) -> datetime | None:
    """Return the time of the next scheduled run, in UTC; None for a DAG without a time schedule."""
    # imported here: Airflow's database models come with them, and only a held stream needs its next run
    from airflow.serialization.encoders import coerce_to_core_timetable
    from airflow.timetables.base import DataInterval, TimeRestriction

    restriction = TimeRestriction(earliest=None, latest=None, catchup=False)
    last = DataInterval.exact(pendulum.now("UTC"))
    info = coerce_to_core_timetable(dag.timetable).next_dagrun_info(
        last_automated_data_interval=last, restriction=restriction
    )
    return info.run_after if info else None

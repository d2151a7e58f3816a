"""The settings that a run is started with."""

from __future__ import annotations

from dataclasses import dataclass

SMALL_REQUEST = 25  # rows of the first request of a run
GROWTH = 4  # a clean batch is followed by one this many times larger
JOB_GROWTH = 8  # the same for Bulk jobs
JOB_BYTES = 90_000_000  # of CSV that a job is planned with; rows differ in size
JOB_ROWS = 250_000  # rough number of rows of such a job, for estimates
CALLS_OF_A_JOB = 6
# of the daily API limit; the rest is left to the export
REEXPORT_CREDIT_SHARE = 0.75
LISTING_CREDIT_SHARE = 0.5


@dataclass(frozen=True)
class ExportOptions:
    """The settings of one run of one stream, read once before the first send (docs/howto/held-record.md)."""

    pause_on_export_errors: bool
    batch_size: int = 200  # rows: 200, 100, 50 or 25
    daily_api_limit: int = 100_000  # API calls in 24 hours
    lease_seconds: float = 120.0  # must exceed the longest HTTP call
    job_bytes: int = JOB_BYTES
    job_limit: int = 100_000_000  # bytes of CSV that one job takes at most (docs/salesforce-behaviour.md#sizes)
    jobs_in_flight: int = 5  # of one window, with `lock_order`
    part_rows: int = 3_000  # rows that are worth one more job of a window, up to jobs_in_flight
    requests_in_flight: int = 10  # Collections requests of one batch, with the setting off (run/lanes.py)
    prefetched_jobs: int = 2  # uploaded before the preceding job is settled; 1: none is
    uses_threads: bool = True  # for uploads and requests; without them the run sends one after the other
    poll_delays: tuple[float, ...] = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)  # seconds; the last one repeats
    job_patience: float | None = None  # seconds that a run waits for a job; None: until the job has finished
    transient_delays: tuple[float, ...] = (5.0, 15.0, 45.0)  # seconds before rejected rows are retried

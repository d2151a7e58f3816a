"""The state of the sink: its jobs, the files that arrived, which rows it rejects, and its number of calls."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.sink.schedule import Schedule, Turn
from benchmarks.sink.uploads import Upload

REJECTION = "FIELD_CUSTOM_VALIDATION_EXCEPTION"
MESSAGE = "The benchmark rejects this row"


@dataclass
class Job:
    """An ingest job of Bulk API 2.0, or a job of Bulk API v1 with its batches."""

    id: str
    asked: dict[str, Any]
    state: str = "Open"
    upload: Upload | None = None
    turn: Turn | None = None
    batches: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


@dataclass
class SinkOrg:
    """The state of the sink. It rejects rows whose Reject__c is in `rejected`; `latency` is in seconds.

    With `distinct`, each rejected row of a job has an error text of its own. The schedule determines when jobs run.
    """

    folder: Path
    rejected: tuple[str, ...] = ()
    latency: float = 0.0
    distinct: bool = False
    schedule: Schedule = field(default_factory=Schedule)
    calls: int = 0
    jobs: dict[str, Job] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def reset(self, rejected: tuple[str, ...], latency: float, pace: float, *, distinct: bool) -> None:
        """Discard everything that arrived."""
        with self.lock:
            for path in (*self.folder.glob("*.csv"), *self.folder.glob("*.json")):
                if path.name != "ready.json":
                    path.unlink()
            self.rejected, self.latency, self.distinct, self.calls = rejected, latency, distinct, 0
            self.schedule = Schedule(pace)
            self.jobs.clear()

    def count_call(self) -> int:
        """Count an API call and return how many there were."""
        with self.lock:
            self.calls += 1
            return self.calls

    def add_job(self, asked: dict[str, Any]) -> Job:
        """Open a job."""
        job = Job(f"750{next(self._numbers):012d}AAA", asked)
        with self.lock:
            self.jobs[job.id] = job
        return job

    def schedule_job(self, job: Job, rows: int) -> None:
        """Schedule a job."""
        with self.lock:
            job.turn = self.schedule.add(rows)

    def new_file(self, kind: str) -> Path:
        """Return the path of a new file for an upload, `csv` or `json`."""
        return self.folder / f"{next(self._numbers):06d}.{kind}"

    def keep(self, content: bytes) -> None:
        """Store a JSON array of records."""
        path = self.new_file("json")
        path.with_suffix(".draft").write_bytes(content)
        path.with_suffix(".draft").rename(path)

    def judge(self, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return a result for each record, in order, as Collections and Bulk v1 do."""
        return list(itertools.starmap(self._judge, enumerate(records)))

    def _judge(self, number: int, record: dict[str, Any]) -> dict[str, Any]:
        if record.get("Reject__c") in self.rejected:
            error: dict[str, Any] = {
                "statusCode": REJECTION,
                "message": MESSAGE,
                "fields": [],
                "extendedErrorDetails": None,
            }
            return {"id": None, "success": False, "errors": [error], "created": False}
        return {"id": f"a0R{number:012d}AAA", "success": True, "errors": [], "created": False}

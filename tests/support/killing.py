"""Ends runs of the exporter at every point, and checks the result of the next run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pytest

from exporter import Exporter
from points import Point

ROOT = Path(__file__).resolve().parents[2]
# the next run waits for the lease of a killed one; no other run takes it here, so it may expire while it is held
LEASE_SECONDS = 0.01


_HOW_OFTEN = ("GET jobs/ingest/JOB", "Renews the lease")  # differs from run to run
_OF_NO_CONSEQUENCE = ("after: Renews the lease", "after: Makes the row", "after: Reopens what waited")


def targets(points: list[str], *, whole: bool, first: int = 0, step: int = 1) -> list[Point]:
    """Return the points at which to end a run, all of them when `whole`.

    Otherwise those after which the state differs: nothing is written between an "after" and the next "before"; of
    these every `step`th one from the `first` on, if several stories share them.
    """
    seen: Counter[str] = Counter()
    found = []
    for name in points:
        seen[name] += 1
        if whole or (name.startswith(("after", "in")) and not name.startswith(_OF_NO_CONSEQUENCE)):
            found.append(Point(name, seen[name]))
    found = [point for point in found if point.time == 1 or not any(word in point.name for word in _HOW_OFTEN)]
    return found if whole else found[first::step]


@dataclass
class End:
    """How a run ended: its points, its report, whether SIGKILL ended it, and the seconds from the signal to the end."""

    points: list[str]
    report: str | None
    killed: bool
    seconds: float
    peak_kilobytes: int = 0


@dataclass
class Mortals:
    """Starts runs that end at a chosen point."""

    program: subprocess.Popen[str]
    exporter: Exporter
    dsn: str
    ca_file: str
    options: dict[str, Any] = field(default_factory=dict)
    ended: Counter[str] = field(default_factory=Counter)

    def run(
        self, task: str = "export", *, pause: bool, target: Point | None = None, signal: str = "SIGKILL", **more: Any
    ) -> End:
        """Run a task as a separate process and end it at a point; None lets it finish."""
        self._ask(task, pause=pause, target=target, signal=signal, **more)
        self.ended[signal] += target is not None or bool({"after", "behind"} & set(more))
        return self._answer()

    @contextmanager
    def stopped(self, *, pause: bool, target: Point) -> Generator[list[End]]:
        """Run an export that is suspended at a point while the block runs; its end is added to the list."""
        self._ask("export", pause=pause, target=target, signal="SIGSTOP")
        assert self._output.readline() == "stopped\n"
        ends: list[End] = []
        try:
            yield ends
        finally:
            self._input.write("\n")
            self._input.flush()
            ends.append(self._answer())

    def _ask(self, task: str, *, pause: bool, target: Point | None, signal: str, **more: Any) -> None:
        asked = {
            "task": task,
            "dsn": self.dsn,
            "https_url": self.exporter.https_url,
            "ca_file": self.ca_file,
            "stream": self.exporter.stream.model_dump(mode="json"),
            "pause": pause,
            "options": {"transient_delays": (0.01,), "lease_seconds": LEASE_SECONDS} | self.options,
            "target": target,
            "signal": signal,
        } | more
        self._input.write(json.dumps(asked) + "\n")
        self._input.flush()

    def _answer(self) -> End:
        return End(**json.loads(self._output.readline()))

    @property
    def _input(self) -> IO[str]:
        assert self.program.stdin is not None
        return self.program.stdin

    @property
    def _output(self) -> IO[str]:
        assert self.program.stdout is not None
        return self.program.stdout


@contextmanager
def start_program(*arguments: str) -> Generator[subprocess.Popen[str]]:
    """Start the program that runs mortal exporters, in a child for each request."""
    command = [sys.executable, str(Path(__file__).with_name("mortal.py")), *arguments]
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}:{Path(__file__).parent}"}
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as program:
        yield program


# not by `truncate`, which creates the files of each table again
_EMPTY = """
delete from app.contacts; delete from app.accounts; delete from crm_export.ExportErrorAttempts;
delete from crm_export.ExportErrors; delete from crm_export.ExportBatchRows; delete from crm_export.ExportBatches;
delete from crm_export.ExportRuns; delete from crm_export.ExportWatermarks; delete from crm_export.ExportedVersions;
delete from crm_export.ExportFindings;
"""


@contextmanager
def message(capsys: pytest.CaptureFixture[str], mortals: Mortals) -> Generator[None]:
    """Print how many runs were ended in the block."""
    yield  # noqa: RUF075 - a failed test proves nothing
    with capsys.disabled():
        sys.stdout.write(" ".join(f"[{count} by {signal}]" for signal, count in mortals.ended.items()) + " ")


@dataclass
class Story:
    """A source and an org to run over, from the same state each time; row 6 is rejected when `rejected`."""

    exporter: Exporter
    rejected: bool = False
    rows: int = 10
    seen: list[tuple[str, str] | None] = field(default_factory=list)

    def begin(self) -> None:
        """Set the start: record A1 in the org, row 1 deleted, the others new."""
        exporter = self.exporter
        exporter.connection.execute(_EMPTY)
        exporter.control.reset()
        exporter.control.add_records("Account", [{"Name": "old", "Ext__c": "A1"}])
        exporter.add({"id": 1, "deleted_at": "2026-01-01T00:00:00Z"}, *({"id": number} for number in range(2, 11)))
        if self.rows > 10:
            exporter.add_many(11, self.rows, minute=11)
        if self.rejected:
            exporter.connection.execute("update app.accounts set name = 'bad' where id = 6")
        self.seen = [None]

    def change(self) -> None:
        """Change a row that may have been sent and one that may not, because sources keep changing."""
        self.exporter.change(3, 30, name="Account 3, changed")
        self.exporter.change(9, 31, name="Account 9, changed")

    def repair(self) -> None:
        """Switch off the rule that rejects row 6."""
        self.exporter.control.switch_rule("no_bad_names", active=False)

    def check_moment(self) -> None:
        """Check what holds at every moment: nothing missing is acknowledged, and the watermark never moves back."""
        source = self._source(
            "(changed_at, id) <= (select cursor_at, record_key::int from crm_export.ExportWatermarks)"
        )
        errors = {error["record_key"] for error in self.exporter.errors("status in ('open', 'waiting')")}
        names = self.exporter.names()
        for key, external_id, name, deleted in source:
            there = external_id not in names if deleted else names.get(external_id) == name
            assert there or str(key) in errors, f"row {key} is acknowledged and not in Salesforce"
        moved = self.exporter.connection.execute(
            "select cursor_at::text, record_key, (cursor_at, record_key::int) >= (%s::timestamptz, %s::int)"
            " from crm_export.ExportWatermarks where cursor_at is not null",
            self.seen[-1] or ("-infinity", 0),
        ).fetchone()
        assert moved is not None or self.seen[-1] is None, "the watermark is gone"
        assert moved is None or moved[2], f"the watermark went back from {self.seen[-1]} to {moved}"
        self.seen.append(moved[:2] if moved else None)

    def check_end(self, open_errors: set[str]) -> None:
        """Check what holds at the end: nothing lost, stale or duplicated, and no unfinished batch or job."""
        expected = {
            external_id: name
            for key, external_id, name, deleted in self._source("true")
            if not deleted and str(key) not in open_errors
        }
        records = [record for record in self.exporter.control.records("Account") if not record["deleted"]]
        assert len(records) == len({record["fields"]["Ext__c"] for record in records}), "a record is doubled"
        assert self.exporter.names() == expected
        assert {error["record_key"] for error in self.exporter.errors("status <> 'resolved'")} == open_errors
        self._check_versions()
        assert not [job for job in self._jobs() if job["state"] not in {"JobComplete", "Failed", "Aborted"}]
        left = self.exporter.connection.execute(
            "select count(*) filter (where state in ('PLANNED', 'SENDING')),"
            " (select count(*) from crm_export.ExportBatchRows) from crm_export.ExportBatches"
        ).fetchone()
        assert left == (0, 0), "a batch is left unsettled"

    def count_repeated(self) -> int:
        """Count writes of a version that a record had been given before."""
        written = [(write["id"], write["fields"].get("Name")) for write in self.exporter.control.writes("Account")]
        return len(written) - len(set(written))

    def _jobs(self) -> list[dict[str, Any]]:
        """Return all Bulk jobs of the org."""
        session = self.exporter.login()
        answer = session.http.get(
            f"{session.instance_url}/services/data/v59.0/jobs/ingest",
            headers={"Authorization": f"Bearer {session.access_token}"},
            timeout=10,
        )
        return list(answer.json()["records"])

    def _check_versions(self) -> None:
        last: dict[str, str] = {}
        for write in self.exporter.control.writes("Account"):
            name = str(write["fields"].get("Name"))
            assert not (last.get(write["id"], "").endswith("changed") and not name.endswith("changed")), "a stale write"
            last[write["id"]] = name

    def _source(self, where: str) -> list[tuple[Any, ...]]:
        query = f"select id, ext, name, deleted_at is not null from app.accounts where {where} order by changed_at, id"
        return self.exporter.connection.execute(query).fetchall()

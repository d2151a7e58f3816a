"""Shared by the parts of the benchmark: the source, the sink, and a measured run of our exporter."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measuring import Measured, WrongResultError, measure_process
from benchmarks.sink.process import ROOT, RunningSink
from benchmarks.source import FIELDS, Source

REJECTIONS = {0.0: (), 0.1: ("a",), 1.0: ("a", "b"), 10.0: ("a", "b", "c")}  # per cent: values of the column `reject`


@dataclass
class Bench:
    """The source and the sink, and the requested amounts."""

    source: Source
    sink: RunningSink
    folder: Path
    rows: int
    rounds: int
    large: bool = False

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of a client: it trusts the sink, finds the project, and logs in to the database."""
        kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        trusted = {"REQUESTS_CA_BUNDLE": str(self.sink.ca_file), "PYTHONPATH": str(ROOT)}
        login = {"PGPASSWORD": password} if (password := self.source.password) else {}
        return kept | trusted | login | more

    def stream(self, table: str, **changes: Any) -> dict[str, Any]:
        """Return the stream of a table."""
        return {
            "name": "rows",
            "source": table,
            "key": "id",
            "cursor": "changed_at",
            "object": "Row__c",
            "external_id": "Key__c",
            "operation": "upsert",
            "fields": FIELDS,
            "max_errors": 1_000_000,
            **changes,
        }

    def run_ours(
        self, table: str, options: Mapping[str, Any] | None = None, *, task: str = "export", **changes: Any
    ) -> Measured:
        """Run our export, reexport or reconcile of a table in a process of its own."""
        asked = {
            "dsn": self.source.dsn,
            "org": self.sink.https,
            "stream": self.stream(table, **changes),
            "task": task,
            "options": {"pause_on_export_errors": False, **(options or {})},
        }
        command = [sys.executable, "-m", "benchmarks.clients.ours", json.dumps(asked)]
        return measure_process(command, self.environment(), self.folder)

    def export(
        self,
        table: str,
        *,
        percent: float = 0.0,
        latency: float = 0.0,
        distinct: bool = False,
        again: bool = False,
        pace: float = 0.0,
        **more: Any,
    ) -> Measured:
        """Export a whole table, from scratch or `again`, and check every row; raises WrongResultError."""
        rejected = REJECTIONS[percent]
        self.source.rewind() if again else self.source.forget_exports()
        self.sink.reset(rejected=rejected, latency=latency, distinct=distinct, pace=pace)
        measured = self.run_ours(table, **more)
        accepted = self.source.check_arrived(table, self.sink.files(), rejected=rejected)
        self.source.check_errors(table, rejected)
        if measured.printed["outcome"] != "complete" or measured.printed["accepted"] != accepted:
            raise WrongResultError(f"{table}: {accepted} rows are right, but the run says {measured.printed}")
        return measured

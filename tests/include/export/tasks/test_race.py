"""The real race: twelve writers on a real Postgres while the export runs again and again; nothing is lost or stale."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from exporter import Exporter, make_stream
from include.export.ledger.runs import Outcome

WRITERS = Path(__file__).resolve().parents[3] / "support" / "writers.py"
MARGIN = 5.5  # seconds: slightly more than the horizon's margin
SECONDS, COMMITS = 60, 9_000
LOST_BY_NAIVE_READER = 1_000  # at least so many commits


@pytest.mark.fault("A1", "A3", "A4", "A5")
@pytest.mark.timeout(200)
def test_twelve_writers_race_with_the_export_and_nothing_is_lost_or_stale(
    exporter: Exporter, database: str, whole: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    share = 1.0 if whole else 0.2
    exporter.stream = make_stream(bulk_from=5)
    exporter.options = {"poll_delays": (0.02, 0.1), "batch_size": 5}
    command = [sys.executable, str(WRITERS), database, str(SECONDS * share), str(int(COMMITS * share))]
    runs = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writers:
        while writers.poll() is None:
            assert exporter.run(pause=runs % 2 == 0).outcome is Outcome.COMPLETE
            runs += 1
        counted = json.loads(writers.stdout.read()) if writers.stdout else {}
    time.sleep(MARGIN)
    assert exporter.run().outcome is Outcome.COMPLETE

    rows = dict(exporter.connection.execute("select ext, name from app.accounts").fetchall())
    names = exporter.names()
    lost = {ext for ext, name in rows.items() if names.get(ext) != name}
    stale, jobs = count_stale(exporter), count_jobs(exporter)
    commits, lost_by_naive_reader = sum(counted["commits"].values()), counted["lost_by_naive_reader"]
    with capsys.disabled():
        sys.stdout.write(
            f"\nrace: {counted['seconds']} s, {commits:,} commits {counted['commits']}, {len(rows):,} rows, {runs} "
            f"runs with {jobs} Bulk jobs; lost {len(lost)}, stale {stale}; naive reader lost {lost_by_naive_reader:,}\n"
        )
    assert (len(lost), stale, len(names) - len(rows)) == (0, 0, 0)
    assert runs >= 3
    assert jobs > 0
    assert set(counted["commits"]) == {"short", "long", "with savepoints"}
    assert commits >= COMMITS * share
    assert lost_by_naive_reader > LOST_BY_NAIVE_READER * share


def count_stale(exporter: Exporter) -> int:
    """Count writes of an older version over a newer one."""
    newest: dict[str, int] = {}
    stale = 0
    for write in exporter.control.writes("Account"):
        version = int(write["fields"]["Name"][1:])
        stale += version < newest.get(write["id"], 0)
        newest[write["id"]] = max(version, newest.get(write["id"], 0))
    return stale


def count_jobs(exporter: Exporter) -> int:
    row = exporter.connection.execute(
        "select count(*) from crm_export.ExportBatches where transport = 'bulk' and state = 'SETTLED'"
    ).fetchone()
    return int(row[0]) if row else 0

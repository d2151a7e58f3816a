"""The memory of an export does not grow with the number of rows."""

from __future__ import annotations

import sys

import pytest

from exporter import Exporter, make_stream
from killing import Mortals

FEW, GROWTH = 5_000, 24 * 1024  # rows, and the allowed growth in kilobytes: blocks, buffers, results


@pytest.mark.fault("G8")
@pytest.mark.timeout(900)
def test_many_rows_take_no_more_memory_than_few(
    mortals: Mortals, exporter: Exporter, whole: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    many = 300_000 if whole else 60_000
    exporter.stream = make_stream(bulk_from=2_000)
    peaks = {}
    mortals.options |= {"lease_seconds": 120, "poll_delays": (0.1, 0.5)}
    for first, last in ((1, FEW), (FEW + 1, many)):
        exporter.add_many(first, last)
        exporter.connection.execute("update app.accounts set notes = repeat('x', 500) where id >= %s", [first])
        exporter.connection.execute("analyze app.accounts")
        end = mortals.run(pause=False)
        assert end.report == "complete"
        peaks[last - first + 1] = end.peak_kilobytes
    assert exporter.watermark() == str(many)
    counted = "select count(*), sum(accepted) from crm_export.ExportRuns"
    assert exporter.connection.execute(counted).fetchone() == (2, many)
    with capsys.disabled():
        sys.stdout.write(f"[peak memory in KB by rows: {peaks}] ")
    few, most = peaks.values()
    assert most - few < GROWTH

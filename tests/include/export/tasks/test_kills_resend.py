"""A resend, by requests or Bulk jobs, killed at any point: the next run continues it; the watermark stays."""

from __future__ import annotations

import pytest

from exporter import Exporter, make_stream
from include.export.ledger import ExportResends, Outcome
from killing import Mortals, Story, targets

pytestmark = pytest.mark.timeout(1800)
BATCH = 4
OPTIONS = {"batch_size": BATCH, "poll_delays": (0.01, 0.03)}


@pytest.fixture
def mortals(mortals: Mortals) -> Mortals:
    mortals.exporter.options = dict(OPTIONS)
    mortals.options |= OPTIONS
    return mortals


def begin(story: Story) -> None:
    """Set the start: everything is exported, and a resend of all of it is requested."""
    exporter = story.exporter
    exporter.connection.execute("truncate crm_export.ExportResends")
    story.begin()
    exporter.control.set_bulk(batch_rows=4)
    assert exporter.run(pause=False).outcome is Outcome.COMPLETE
    ExportResends(exporter.connection).ask("accounts", asked_by="olga", reason="a test")


def read_position(exporter: Exporter) -> tuple[str, str]:
    row = exporter.connection.execute(
        "select cursor_at::text, record_key from crm_export.ExportWatermarks where stream = 'accounts'"
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def count_unfinished(exporter: Exporter) -> int:
    return len(ExportResends(exporter.connection).find_unfinished("accounts"))


def kill_everywhere(mortals: Mortals, story: Story, *, pause: bool, points: list[str], whole: bool) -> None:
    """Kill a resend at each point, and check that the next run ends it with the watermark where it was."""
    for number, point in enumerate(targets(points, whole=whole, first=int(pause), step=2)):
        begin(story)
        position, before = read_position(story.exporter), len(story.exporter.control.writes("Account"))
        end = mortals.run(pause=pause, target=point)
        assert end.killed, point
        assert read_position(story.exporter) == position, point
        story.check_moment()
        if number % 2:
            story.change()  # the source changes too, and its changes are exported
        assert story.exporter.run(pause=pause).outcome is Outcome.COMPLETE
        assert number % 2 or read_position(story.exporter) == position, point
        assert count_unfinished(story.exporter) == 0, point
        check_all_sent(story, before)
        story.check_end(set())


def check_all_sent(story: Story, before: int) -> None:
    """Check that each row that is not deleted was written after a number of writes."""
    written = {write["fields"].get("Ext__c") for write in story.exporter.control.writes("Account")[before:]}
    assert written >= {f"A{number}" for number in range(2, story.rows + 1)}


@pytest.mark.fault("G1")
@pytest.mark.parametrize("pause", [True, False], ids=["on", "off"])
def test_a_resend_by_requests_killed_at_any_point_goes_on(mortals: Mortals, pause: bool, whole: bool) -> None:
    story = Story(mortals.exporter)
    begin(story)
    points = mortals.run(pause=pause).points
    assert count_unfinished(story.exporter) == 0
    assert any("PATCH composite" in point for point in points)
    kill_everywhere(mortals, story, pause=pause, points=points, whole=whole)


@pytest.mark.fault("G1")
@pytest.mark.parametrize("pause", [True, False], ids=["on", "off"])
def test_a_resend_by_bulk_jobs_killed_at_any_point_goes_on(mortals: Mortals, pause: bool, whole: bool) -> None:
    story = Story(mortals.exporter, rows=30)
    mortals.exporter.stream = make_stream(bulk_from=10)
    begin(story)
    points = mortals.run(pause=pause).points
    assert count_unfinished(story.exporter) == 0
    assert {"after POST jobs/ingest", "after PUT jobs/ingest/JOB/batches", "after PATCH jobs/ingest/JOB"} <= set(points)
    kill_everywhere(mortals, story, pause=pause, points=points, whole=whole)


@pytest.mark.parametrize("fields", [{"key": "7"}, {"from_at": "2026-01-01T00:04:00Z", "to_at": "2026-01-01T00:06:00Z"}])
def test_a_record_or_a_range_killed_at_any_point_is_sent_and_nothing_else(
    mortals: Mortals, fields: dict[str, str], whole: bool
) -> None:
    story, wanted = Story(mortals.exporter), {"A7"} if "key" in fields else {"A4", "A5", "A6"}

    def begin_part() -> int:
        begin(story)
        story.exporter.connection.execute("truncate crm_export.ExportResends")
        ExportResends(story.exporter.connection).ask("accounts", asked_by="olga", reason="a test", **fields)
        return len(story.exporter.control.writes("Account"))

    begin_part()
    for point in targets(mortals.run(pause=True).points, whole=whole, step=2):
        before = begin_part()
        position = read_position(story.exporter)
        assert mortals.run(pause=True, target=point).killed
        story.exporter.run()
        assert read_position(story.exporter) == position
        written = {write["fields"]["Ext__c"] for write in story.exporter.control.writes("Account")[before:]}
        assert written == wanted, point
        assert count_unfinished(story.exporter) == 0

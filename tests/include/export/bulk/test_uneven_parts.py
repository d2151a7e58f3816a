"""Divided windows whose parts are uneven, depend on each other, or share an external id."""

from __future__ import annotations

from typing import Any

import pytest

from exporter import ACCOUNTS, Exporter, make_stream
from include.export.failures import RunFailure
from include.export.ledger.runs import Outcome

PARTS = 5
BOTH = pytest.mark.parametrize("pause", [True, False], ids=["on", "off"])
JOBS = "select row_count, part, parts, sent, state from crm_export.ExportBatches where transport = 'bulk' order by id"
PART_OF = "select id from app.accounts where mod(mod(hashtextextended(id::text, 0), 5) + 5, 5) = %s and id > 60"
HEADER = 32_000  # bytes that a job reserves for its header


@pytest.fixture
def bulk(exporter: Exporter) -> Exporter:
    """Return an exporter with 800 rows of about 350 bytes; windows of 40 rows and more are divided."""
    exporter.stream = make_stream(bulk_from=30, lock_order="kind")
    exporter.options |= {"poll_delays": (0.02, 0.05), "part_rows": 20}
    exporter.add_many(1, 800)
    exporter.connection.execute("update app.accounts set notes = repeat('x', 300)")
    return exporter


def jobs(bulk: Exporter) -> list[tuple[Any, ...]]:
    """Return the jobs of the ledger: rows of the window, part, parts, rows of the job, and state."""
    return bulk.connection.execute(JOBS).fetchall()


def set_kind(bulk: Exporter, share: float) -> None:
    """Give a share of the rows one parent, and the others one of two hundred."""
    bulk.connection.execute(
        "update app.accounts set name = case when id %% 100 < %s then 'Parent' else 'Parent ' || id %% 200 end",
        [100 * share],
    )
    bulk.stream = make_stream(bulk_from=30, lock_order="name")


class TestAParentWithMostOfTheRows:
    @BOTH
    @pytest.mark.parametrize("share", [0.6, 1.0])
    def test_windows_become_smaller_until_its_part_fits_into_a_job(
        self, bulk: Exporter, share: float, pause: bool
    ) -> None:
        set_kind(bulk, share)
        report = bulk.run(pause=pause, job_bytes=40_000, job_limit=HEADER + 45_000)
        assert report.outcome is Outcome.COMPLETE
        assert len(bulk.names()) == 800
        given_up = [rows for rows, *_, state in jobs(bulk) if state == "ABANDONED"]
        settled = [rows for rows, *_, state in jobs(bulk) if state == "SETTLED"]
        assert given_up
        assert max(settled) < max(given_up)
        assert bulk.watermark() == "800"

    @BOTH
    def test_a_smallest_window_that_does_not_fit_is_one_job(self, bulk: Exporter, pause: bool) -> None:
        set_kind(bulk, 1.0)
        report = bulk.run(pause=pause, job_bytes=7_000, job_limit=HEADER + 8_000)
        assert (report.outcome, len(bulk.names())) == (Outcome.COMPLETE, 800)

    def test_a_later_run_does_not_begin_with_the_size_that_did_not_fit(self, bulk: Exporter) -> None:
        bulk.run(pause=True, job_bytes=40_000)
        set_kind(bulk, 1.0)
        bulk.connection.execute("update app.accounts set changed_at = changed_at + interval '1 day'")
        limits = {"job_bytes": 40_000, "job_limit": HEADER + 45_000}
        assert bulk.run(pause=True, **limits).outcome is Outcome.COMPLETE
        bulk.connection.execute("update app.accounts set changed_at = changed_at + interval '1 day'")
        known = len(jobs(bulk))
        assert bulk.run(pause=True, **limits).outcome is Outcome.COMPLETE
        assert jobs(bulk)[known][0] <= 100


def test_rows_of_which_one_alone_is_too_large_end_the_run_with_what_to_do(bulk: Exporter) -> None:
    bulk.connection.execute("update app.accounts set notes = repeat('x', 9000) where id > 25")
    bulk.connection.execute("update app.accounts set notes = null where id <= 25")
    with pytest.raises(RunFailure) as said:
        bulk.run(pause=False, job_bytes=6_000, job_limit=HEADER + 5_000)
    message = str(said.value)
    assert "1 rows could not be uploaded as Bulk jobs in 3 attempts: a job grew larger" in message
    assert "set bulk_from: null and bulk_from_paused: null in accounts.yaml" in message
    assert "or set lock_order to a column with more values than kind" in message
    assert bulk.watermark() == "25"


@BOTH
def test_rows_without_a_parent_are_spread_over_the_jobs(bulk: Exporter, pause: bool) -> None:
    assert bulk.run(pause=pause).outcome is Outcome.COMPLETE
    divided = [(rows, sent) for rows, _, parts, sent, _ in jobs(bulk) if parts == PARTS]
    assert divided
    assert all(sent < rows * 0.4 for rows, sent in divided)
    assert len(bulk.names()) == len(bulk.control.writes("Account")) == 800


def test_jobs_of_rows_without_a_parent_are_adopted_by_the_next_run(bulk: Exporter) -> None:
    bulk.control.set_bulk(delay_seconds=0.5)
    assert bulk.run(pause=False, job_patience=0.0).outcome is Outcome.WAITING_FOR_JOB
    bulk.control.set_bulk(delay_seconds=0.0)
    bulk.connection.execute("update app.accounts set name = 'bad' where id = 100")
    assert bulk.run(pause=False).outcome is Outcome.COMPLETE
    assert {parts for _, _, parts, *_ in jobs(bulk)} == {PARTS}
    assert len(bulk.names()) == len(bulk.control.writes("Account")) == 800


@BOTH
def test_ids_that_differ_in_outer_blanks_are_found_before_the_first_job_is_closed(bulk: Exporter, pause: bool) -> None:
    fields = {"Exact__c": "ext", "Name": "name"}
    bulk.stream = make_stream(bulk_from=30, lock_order="id", external_id="Exact__c", fields=fields)
    first, last = (bulk.connection.execute(PART_OF, [part]).fetchone() for part in (0, PARTS - 1))
    assert first is not None
    assert last is not None
    bulk.connection.execute("update app.accounts set ext = 'X' where id = %s", first)
    bulk.connection.execute("update app.accounts set ext = 'X ' where id = %s", last)
    bulk.run(pause=pause)
    assert {(each["record_key"], each["error_code"]) for each in bulk.errors()} >= {
        (str(min(first[0], last[0])), "CRM_EXPORT_EXTERNAL_ID_CONFLICT")
    }
    assert [each for each in bulk.control.writes("Account") if each["fields"].get("Exact__c", "").strip() == "X"] == []


@BOTH
def test_a_stream_whose_rows_are_parents_of_its_rows_is_sent_by_one_job_in_order(bulk: Exporter, pause: bool) -> None:
    bulk.connection.execute("alter table app.accounts add parent text")
    bulk.connection.execute("delete from app.accounts where id > 295")
    bulk.connection.execute(
        "update app.accounts set notes = null, parent = case when id > 25 then 'A' || (id - 25) end"
    )
    stream = {"lock_order": "parent", "fields": {**ACCOUNTS["fields"], "Parent.Ext__c": "parent"}}  # type: ignore[dict-item]
    bulk.stream = make_stream(**stream)
    assert bulk.run(pause=True, batch_size=25).outcome is Outcome.COMPLETE
    bulk.stream = make_stream(bulk_from=30, **stream)
    bulk.connection.execute("update app.accounts set changed_at = changed_at + interval '1 day'")
    assert bulk.run(pause=pause).outcome is Outcome.COMPLETE
    assert {parts for _, _, parts, *_ in jobs(bulk)} == {1}
    written = [each["id"] for each in bulk.control.writes("Account")[295:]]
    assert len(written) == 295
    assert written == sorted(written), "ids are given in the order of the first run"

"""The Bulk transport: the same guarantees as Collections, through Bulk API 2.0 jobs."""

from __future__ import annotations

import hypothesis
import pytest
from hypothesis import strategies as st

from exporter import Exporter, make_stream
from include.export.bulk.upload import has_mark
from include.export.failures import CircuitFailure, ConfigurationFailure, SalesforceFailure
from include.export.ledger.runs import Outcome
from include.export.postgres.copy_reader import BLOCK_BYTES
from include.export.record_sql import FIELD_LIMIT


@pytest.fixture
def bulk(exporter: Exporter) -> Exporter:
    """Return an exporter whose stream uses Bulk jobs from 30 rows on."""
    exporter.stream = make_stream(bulk_from=30)
    exporter.options |= {"poll_delays": (0.02, 0.05)}
    return exporter


def jobs(exporter: Exporter) -> list[tuple[str, str, str]]:
    """Return method, path and body of the calls of jobs."""
    return [(call["method"], call["path"].partition("/jobs/ingest")[2], call["body"])
            for call in exporter.calls() if "/jobs/ingest" in call["path"]]  # fmt: skip


def batches(exporter: Exporter) -> list[tuple[str, str, int, int, int, int]]:
    """Return the ledger's jobs: state, action, rows and their results."""
    return exporter.connection.execute(
        "select state, action, sent, accepted, refused, unprocessed from crm_export.ExportBatches"
        " where transport = 'bulk' order by id"
    ).fetchall()


def test_many_changed_rows_go_in_jobs_after_a_small_request(bulk: Exporter) -> None:
    bulk.add_many(1, 400)
    report = bulk.run(pause=False)
    assert (report.outcome, report.rows_changed, report.rows_sent, report.accepted) == (Outcome.COMPLETE, 400, 400, 400)
    assert batches(bulk) == [("SETTLED", "upsert", 375, 375, 0, 0)]
    assert len(bulk.names()) == 400
    assert bulk.watermark() == "400"
    assert [method for method, _, _ in jobs(bulk)[:3]] == ["POST", "PUT", "PATCH"]


def test_with_the_setting_on_jobs_begin_small_and_grow(bulk: Exporter) -> None:
    bulk.add_many(1, 800)
    report = bulk.run(pause=True)
    assert report.outcome is Outcome.COMPLETE
    assert [row[2] for row in batches(bulk)] == [30, 240, 505]
    assert len(bulk.names()) == 800


def test_every_kind_of_value_arrives_as_by_collections(bulk: Exporter) -> None:
    bulk.add_many(1, 40)
    bulk.connection.execute(
        "update app.accounts set notes = E'line\\nbreak, \"quote\"; ë 漢 🎉', kind = 'A',"
        " amount = 12345678901.25 where id = 35"
    )
    bulk.run(pause=False)
    [record] = [each["fields"] for each in bulk.control.records("Account") if each["fields"]["Ext__c"] == "A35"]
    assert record["Notes__c"] == 'line\nbreak, "quote"; ë 漢 🎉'
    assert (record["Kind__c"], record["Amount__c"]) == ("A", 12345678901.25)
    bulk.connection.execute(
        "update app.accounts set changed_at = changed_at + interval '1 day', notes = '', amount = null"
    )
    bulk.run(pause=False)
    [record] = [each["fields"] for each in bulk.control.records("Account") if each["fields"]["Ext__c"] == "A35"]
    assert (record.get("Notes__c"), record.get("Amount__c")) == (None, None)


def test_what_a_csv_does_not_carry_goes_by_collections_within_the_same_window(bulk: Exporter) -> None:
    bulk.add_many(1, 90)
    bulk.connection.execute("update app.accounts set notes = '#N/A' where id = 50")
    bulk.connection.execute("update app.accounts set notes = E'a\\r\\nb' where id = 51")
    bulk.connection.execute("update app.accounts set deleted_at = now() where id = 52")
    report = bulk.run(pause=False)
    assert (report.outcome, report.rows_changed, report.accepted) == (Outcome.COMPLETE, 90, 90)
    notes = {each["fields"]["Ext__c"]: each["fields"].get("Notes__c") for each in bulk.control.records("Account")}
    assert (notes["A50"], notes["A51"]) == ("#N/A", "a\r\nb")
    assert "A52" not in notes
    assert bulk.watermark() == "90"


class TestTheSettingIsOn:
    def test_the_watermark_is_before_the_first_rejected_and_all_are_recorded(self, bulk: Exporter) -> None:
        bulk.add_many(1, 90)
        bulk.connection.execute("update app.accounts set name = 'bad' where id in (40, 50)")
        report = bulk.run(pause=True)
        assert report.outcome is Outcome.HELD
        assert bulk.watermark() == "39"
        assert [error["record_key"] for error in bulk.errors("status = 'open'")] == ["40", "50"]
        assert bulk.errors()[0]["error_message"] == "This name is not welcome"
        assert bulk.errors()[0]["error_fields"] == ["Name"]
        hold = bulk.gate()
        assert hold is not None
        assert hold.record_key == "40"

    def test_after_the_fix_it_goes_on_from_there_and_resolves_the_others(self, bulk: Exporter) -> None:
        bulk.add_many(1, 90)
        bulk.connection.execute("update app.accounts set name = 'bad' where id in (40, 50)")
        bulk.run(pause=True)
        bulk.gate()
        bulk.control.switch_rule("no_bad_names", active=False)
        report = bulk.run(pause=True)
        assert report.outcome is Outcome.COMPLETE
        assert bulk.watermark() == "90"
        assert [error["status"] for error in bulk.errors()] == ["resolved", "resolved"]
        assert len(bulk.names()) == 90

    def test_a_stream_that_must_stop_exactly_does_not_use_jobs(self, bulk: Exporter) -> None:
        bulk.stream = make_stream(bulk_from=30, exact_stop=True)
        bulk.add_many(1, 90)
        bulk.run(pause=True)
        assert batches(bulk) == []
        assert len(bulk.names()) == 90


class TestTheSettingIsOff:
    def test_rejected_records_are_passed_over(self, bulk: Exporter) -> None:
        bulk.add_many(1, 90)
        bulk.connection.execute("update app.accounts set name = 'bad' where id in (40, 50)")
        report = bulk.run(pause=False)
        assert (report.outcome, report.accepted, report.rejected) == (Outcome.COMPLETE, 88, 2)
        assert bulk.watermark() == "90"
        assert batches(bulk) == [("SETTLED", "upsert", 65, 63, 2, 0)]
        errors = bulk.errors("status = 'open'")
        assert [(error["record_key"], error["external_id"]) for error in errors] == [("40", "A40"), ("50", "A50")]
        assert all(str(error["job_id"]).startswith("750") for error in errors)

    def test_transient_rejections_never_become_errors(self, bulk: Exporter) -> None:
        bulk.add_many(1, 90)
        bulk.connection.execute("update app.accounts set name = 'locked' where id = 60")
        report = bulk.run(pause=False)
        assert (report.accepted, report.rejected) == (90, 0)
        assert bulk.errors() == []
        assert bulk.names()["A60"] == "locked"

    def test_rows_of_one_parent_stay_in_one_of_several_jobs(self, bulk: Exporter) -> None:
        bulk.stream = make_stream(bulk_from=30, lock_order="kind")
        bulk.add_many(1, 400)
        bulk.connection.execute("update app.accounts set kind = case when id % 2 = 0 then 'A' else 'B' end")
        report = bulk.run(pause=False, job_bytes=20_000)
        assert (report.outcome, report.accepted) == (Outcome.COMPLETE, 400)
        uploads = [body for method, _, body in jobs(bulk) if method == "PUT"]
        assert len(uploads) > 1
        for kind in "AB":
            assert sum(f",{kind}," in body for body in uploads) == 1
        assert bulk.watermark() == "400"


@pytest.mark.fault("B11")
def test_a_job_that_fails_as_a_whole_is_no_record_error(bulk: Exporter) -> None:
    bulk.add_many(1, 90)
    bulk.run(pause=False)
    bulk.connection.execute("update app.accounts set changed_at = changed_at + interval '1 day'")
    bulk.control.add_job_fault(fail="InvalidBatch : Field name not found : Kind__c")
    with pytest.raises(ConfigurationFailure, match="Field name not found"):
        bulk.run(pause=False)
    assert bulk.errors() == []
    assert batches(bulk)[-1][0] == "ABANDONED"
    assert bulk.run(pause=False).outcome is Outcome.COMPLETE


def test_every_row_rejected_for_a_structural_reason_stops_the_run(bulk: Exporter) -> None:
    bulk.add_many(1, 25)
    bulk.run(pause=False)
    bulk.control.switch_rule("full", active=True)
    bulk.add_many(26, 125)
    bulk.stream = make_stream(bulk_from=30)
    with pytest.raises(CircuitFailure, match="STORAGE_LIMIT_EXCEEDED"):
        bulk.run(pause=False)
    assert bulk.errors() == []
    assert bulk.watermark() == "25"


class TestResultsThatAreNotWhole:
    """The org returns fewer rows than it reports as rejected."""

    def prepare(self, bulk: Exporter, **fault: object) -> None:
        bulk.add_many(1, 90)
        bulk.connection.execute("update app.accounts set name = 'bad' where id in (50, 60)")
        bulk.control.add_job_fault(lose="failedResults", **fault)

    @pytest.mark.fault("B14")
    def test_the_watermark_is_before_the_first_row_without_an_answer(self, bulk: Exporter) -> None:
        self.prepare(bulk, lose_rows=1)
        with pytest.raises(SalesforceFailure, match=r"64 of 65 records of Bulk job 750.* are accounted for"):
            bulk.run(pause=False)
        [error] = bulk.errors()
        lost = "60" if error["record_key"] == "50" else "50"
        assert bulk.watermark() == str(int(lost) - 1)

    @pytest.mark.fault("B15")
    def test_a_file_that_is_cut_inside_a_row_is_read_up_to_there(self, bulk: Exporter) -> None:
        self.prepare(bulk, cut_results=True)
        with pytest.raises(SalesforceFailure, match="64 of 65 records"):
            bulk.run(pause=False)
        assert len(bulk.errors()) == 1

    def test_the_next_run_sends_what_is_missing(self, bulk: Exporter) -> None:
        self.prepare(bulk, lose_rows=1)
        with pytest.raises(SalesforceFailure):
            bulk.run(pause=False)
        report = bulk.run(pause=False)
        assert report.outcome is Outcome.COMPLETE
        assert [error["record_key"] for error in bulk.errors("status = 'open'")] == ["50", "60"] or len(
            bulk.errors()
        ) == 2
        assert bulk.watermark() == "90"


def test_ids_that_differ_only_in_case_are_both_rejected_and_never_sent(bulk: Exporter) -> None:
    bulk.add_many(1, 90)
    bulk.connection.execute("update app.accounts set ext = 'a50' where id = 61")
    report = bulk.run(pause=False)
    assert (report.accepted, report.rejected) == (88, 2)
    assert {(error["record_key"], error["error_code"]) for error in bulk.errors()} == {
        ("50", "CRM_EXPORT_EXTERNAL_ID_CONFLICT"),
        ("61", "CRM_EXPORT_EXTERNAL_ID_CONFLICT"),
    }
    assert not {"A50", "a50"} & bulk.names().keys()


def test_a_record_that_an_operator_set_aside_does_not_go_into_the_job(bulk: Exporter) -> None:
    bulk.add_many(1, 90)
    bulk.connection.execute("update app.accounts set name = 'bad' where id = 40")
    bulk.run(pause=True)
    bulk.gate()
    bulk.connection.execute("update crm_export.ExportErrors set status = 'set_aside'")
    report = bulk.run(pause=True)
    assert report.outcome is Outcome.COMPLETE
    assert bulk.watermark() == "90"
    assert [error["status"] for error in bulk.errors()] == ["set_aside"]
    assert "A40" not in bulk.names()


def test_a_rejected_row_that_no_job_carries_stops_the_window_before_it(bulk: Exporter) -> None:
    bulk.add_many(1, 90)
    bulk.connection.execute("update app.accounts set amount = 'NaN' where id = 45")
    assert bulk.run(pause=True).outcome is Outcome.HELD
    assert bulk.watermark() == "44"
    [error] = bulk.errors()
    assert (error["record_key"], error["error_code"]) == ("45", "CRM_EXPORT_VALUE_NOT_SENDABLE")
    bulk.change(45, 200, amount=1)
    assert bulk.run(pause=True).outcome is Outcome.COMPLETE
    assert bulk.errors("status <> 'resolved'") == []


def test_too_few_bulk_batches_left_means_small_requests(bulk: Exporter) -> None:
    bulk.control.set_limit("DailyBulkApiBatches", most=15_000, used=15_000)
    bulk.add_many(1, 90)
    assert bulk.run(pause=False).accepted == 90
    assert batches(bulk) == []


def test_rows_larger_than_expected_are_divided_again(bulk: Exporter) -> None:
    bulk.add_many(1, 400)
    bulk.connection.execute("update app.accounts set notes = repeat('x', 600) where id > 100")
    report = bulk.run(pause=False, job_bytes=9_000, job_limit=60_000)
    assert (report.outcome, report.accepted) == (Outcome.COMPLETE, 400)
    assert len(bulk.names()) == 400


class TestAJobThatOutlivesItsRun:
    def test_the_next_run_adopts_it_and_sends_nothing_twice(self, bulk: Exporter) -> None:
        bulk.add_many(1, 90)
        bulk.control.set_bulk(delay_seconds=1.0)
        report = bulk.run(pause=False, job_patience=0.1)
        assert (report.outcome, report.watermark) == (Outcome.WAITING_FOR_JOB, "2026-01-01 00:00:25+00 / 25")
        assert report.job_id is not None
        before = bulk.last_call()
        assert bulk.run(pause=False).outcome is Outcome.COMPLETE
        assert [call for call in bulk.calls(before) if call["method"] in {"PUT", "POST", "PATCH"}] == []
        assert bulk.watermark() == "90"

    def test_the_daily_job_settles_it_before_it_sends_anything_newer(self, bulk: Exporter) -> None:
        bulk.add_many(1, 90)
        bulk.connection.execute("update app.accounts set name = 'bad' where id = 60")
        bulk.control.set_bulk(delay_seconds=1.0)
        bulk.run(pause=False, job_patience=0.1)
        bulk.control.switch_rule("no_bad_names", active=False)
        bulk.reexport(every=True)
        assert bulk.watermark() == "90"
        assert [batch[0] for batch in batches(bulk)] == ["SETTLED"]

    @pytest.mark.fault("B19")
    def test_one_that_salesforce_has_forgotten_is_sent_again(self, bulk: Exporter) -> None:
        bulk.add_many(1, 90)
        bulk.run(pause=False, job_patience=0.0)
        bulk.connection.execute(
            "update crm_export.ExportBatches set job_id = '750000000009999AAA' where job_id is not null"
        )
        assert bulk.run(pause=False).outcome is Outcome.COMPLETE
        assert len(bulk.names()) == 90


@hypothesis.given(st.lists(st.sampled_from([b'"#N/A"', b"#N/A", b"#", b'"#', b'x"#N/A', b'#N/A"', b",", b"x" * 50])))
def test_a_text_na_is_found_among_any_number_of_nulls(parts: list[bytes]) -> None:
    lines = b"".join(parts)
    for nulls in (0, 1000):
        assert has_mark(b"#N/A," * nulls + lines) == (b'"#N/A"' in lines)


def test_a_line_that_is_too_long_for_a_field_is_longer_than_a_block() -> None:
    assert BLOCK_BYTES < FIELD_LIMIT, "only lines longer than a block are measured"

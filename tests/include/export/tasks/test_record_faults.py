"""Rejected records: many at once, repeatedly, healed elsewhere, or with another external id."""

from __future__ import annotations

import json

import pytest

from exporter import Exporter, make_stream
from include.export.ledger.runs import Outcome

PATCH = {"method": "PATCH", "path_regex": "composite"}


@pytest.mark.fault("C8")
def test_many_rejections_of_one_request_are_all_recorded_and_the_first_holds(exporter: Exporter) -> None:
    exporter.add_many(1, 25)
    exporter.run()
    exporter.add_many(26, 95)
    exporter.connection.execute("update app.accounts set name = 'bad' where id between 36 and 85")
    assert exporter.run(batch_size=100).outcome is Outcome.HELD
    errors = exporter.errors()
    assert {error["record_key"] for error in errors} <= {str(number) for number in range(36, 86)}
    assert exporter.watermark() == "35"
    exporter.gate()
    assert [error["record_key"] for error in exporter.errors("holding")] == ["36"]
    exporter.control.switch_rule("no_bad_names", active=False)
    assert exporter.run().outcome is Outcome.COMPLETE
    assert exporter.errors("status <> 'resolved'") == []
    assert len(exporter.control.writes("Account")) == len(exporter.names()) == 95


@pytest.mark.fault("C9")
def test_a_run_that_passed_over_records_says_how_many(exporter: Exporter) -> None:
    exporter.add(*({"id": number} | ({"name": "bad"} if number in {3, 5, 8} else {}) for number in range(1, 11)))
    report = exporter.run(pause=False)
    assert (report.outcome, report.rejected, exporter.watermark()) == (Outcome.COMPLETE, 3, "10")
    assert report.message == (
        "Everything up to the horizon is exported; 3 records were rejected and passed over, see ExportErrors."
    )
    assert [error["record_key"] for error in exporter.errors("status = 'open'")] == ["3", "5", "8"]


@pytest.mark.fault("C12")
def test_a_lock_that_clears_leaves_no_error_with_the_setting_off(exporter: Exporter) -> None:
    exporter.add({"id": 1}, {"id": 2, "name": "locked"}, {"id": 3})
    report = exporter.run(pause=False)
    assert (report.outcome, report.accepted, exporter.errors()) == (Outcome.COMPLETE, 3, [])


@pytest.mark.fault("C13")
@pytest.mark.parametrize("pause", [True, False])
def test_a_duplicate_value_while_an_unanswered_first_try_still_runs_is_no_error(
    exporter: Exporter, pause: bool
) -> None:
    exporter.add({"id": 1}, {"id": 2})
    duplicate = {"statusCode": "DUPLICATE_VALUE", "message": "duplicate value found: Ext__c", "fields": []}
    body = json.dumps([{"success": False, "errors": [duplicate]}] * 2)
    exporter.control.add_fault(match=PATCH, cut="before")
    exporter.control.add_fault(match=PATCH, on_call=2, answer={"status": 200, "body": body})
    report = exporter.run(pause=pause)
    assert (report.outcome, report.accepted, exporter.errors()) == (Outcome.COMPLETE, 2, [])
    assert len(exporter.control.records("Account")) == 2


@pytest.mark.fault("C14")
def test_a_record_that_is_rejected_again_in_a_new_version_has_one_error_of_the_newest(exporter: Exporter) -> None:
    exporter.add({"id": 1, "name": "bad"}, {"id": 2})
    exporter.run(pause=False)
    exporter.change(1, 30, kind="Z")
    exporter.run(pause=False)
    [error] = exporter.errors()
    assert (error["status"], error["attempts"]) == ("open", 2)
    assert error["record_changed_at"].isoformat() == "2026-01-01T00:30:00+00:00"
    assert exporter.watermark() == "1"


class TestReexport:
    @pytest.mark.fault("E1")
    def test_an_error_whose_row_was_exported_in_a_newer_version_is_resolved_by_that(self, exporter: Exporter) -> None:
        exporter.add({"id": 1, "name": "bad"}, {"id": 2})
        exporter.run(pause=False)
        exporter.change(1, 30, name="good")
        exporter.run(pause=False)
        [error] = exporter.errors()
        assert (error["status"], error["resolved_by"]) == ("resolved", "CRMExport")
        before = exporter.last_call()
        assert exporter.reexport(every=True).tried == 0
        assert exporter.calls(before) == []

    @pytest.mark.fault("E5")
    def test_a_row_that_left_the_view_of_its_stream_is_resolved_without_a_call(self, exporter: Exporter) -> None:
        exporter.connection.execute(
            "create view app.good as select * from app.accounts where kind is distinct from 'B'"
        )
        exporter.stream = make_stream(source="app.good")
        exporter.add({"id": 1, "name": "bad"}, {"id": 2})
        exporter.run(pause=False)
        exporter.connection.execute("update app.accounts set kind = 'B' where id = 1")
        before = exporter.last_call()
        assert exporter.reexport(every=True).gone == 1
        assert exporter.calls(before) == []
        assert exporter.errors()[0]["status"] == "resolved"

    @pytest.mark.fault("E7")
    def test_a_record_whose_external_id_has_changed_is_sent_under_the_new_one(self, exporter: Exporter) -> None:
        exporter.add({"id": 1, "name": "bad"}, {"id": 2})
        exporter.run(pause=False)
        exporter.connection.execute("update app.accounts set ext = 'NEW', name = 'good' where id = 1")
        assert exporter.reexport(every=True).exported == 1
        assert exporter.names() == {"A2": "Account 2", "NEW": "good"}
        [error] = exporter.errors()
        assert (error["status"], error["external_id"]) == ("resolved", "A1")

    @pytest.mark.fault("E8")
    def test_two_errors_with_one_external_id_are_both_rejected_with_the_reason(self, exporter: Exporter) -> None:
        exporter.add({"id": 1, "name": "bad"}, {"id": 2, "name": "bad"}, {"id": 3})
        exporter.run(pause=False)
        exporter.connection.execute("update app.accounts set ext = 'X', name = 'good' where id < 3")
        before = exporter.last_call()
        report = exporter.reexport(every=True)
        assert (report.exported, report.still_rejected) == (0, 2)
        assert exporter.calls(before) == []
        for error in exporter.errors():
            assert (error["status"], error["error_code"]) == ("open", "CRM_EXPORT_EXTERNAL_ID_CONFLICT")
            assert "Another live row has the same external id" in error["error_message"]

    @pytest.mark.fault("E9")
    def test_very_many_open_errors_are_sent_in_batches_until_the_day_has_no_calls_left(
        self, exporter: Exporter, whole: bool
    ) -> None:
        errors = 20_000 if whole else 3_000
        exporter.control.switch_rule("no_bad_names", active=False)
        exporter.add_many(1, errors + 1)
        exporter.connection.execute(
            "insert into crm_export.ExportWatermarks (stream, cursor_at, record_key)"
            " select 'accounts', changed_at, id from app.accounts order by id desc limit 1"
        )
        exporter.connection.execute(
            "insert into crm_export.ExportErrors (stream, object, record_key, external_id, operation,"
            " record_changed_at, error_code, error_name, error_class, error_message, next_attempt_at, dag_id, run_id)"
            " select 'accounts', 'Account', id, ext, 'upsert', changed_at, 'FIELD_CUSTOM_VALIDATION_EXCEPTION',"
            " 'ValidationRule', 'record', 'x', '2026-01-01', 'd', 'r' from app.accounts where id <= %s",
            [errors],
        )
        exporter.options = {"daily_api_limit": 12}
        first = exporter.reexport()
        assert 0 < first.exported < errors
        assert first.exported % 200 == 0
        assert len(exporter.calls()) <= 12
        exporter.connection.execute("update crm_export.ExportRuns set started_at = started_at - interval '1 day'")
        exporter.options = {}
        assert exporter.reexport().exported == errors - first.exported
        assert exporter.errors("status <> 'resolved'") == []
        assert len(exporter.control.writes("Account")) == errors

"""The daily job with Bulk jobs: many errors are retried in few calls, with the same results as through Collections."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from exporter import Exporter, make_stream
from include.export.bulk import JobPending
from include.export.failures import CircuitFailure, ConfigurationFailure, SalesforceFailure
from include.export.ledger.runs import Outcome

BATCH_ROWS = 25
LEAST_ERRORS = 30  # the daily job uses Bulk jobs from this number of errors on


@pytest.fixture
def daily(exporter: Exporter) -> Exporter:
    """Return an exporter whose daily job uses Bulk jobs from 30 errors on; its exports use small requests."""
    exporter.stream = make_stream(bulk_from=LEAST_ERRORS, bulk_from_paused=None, exact_stop=True, max_errors=100_000)
    exporter.options |= {"poll_delays": (0.02, 0.05), "batch_size": BATCH_ROWS}
    return exporter


def reject(exporter: Exporter, last: int, name: str = "bad") -> None:
    """Let an export reject accounts 1 to `last`, and accept one after them."""
    exporter.add_many(1, last + 1)
    exporter.connection.execute("update app.accounts set name = %s where id <= %s", [name, last])
    exporter.stream = exporter.stream.model_copy(update={"bulk_from": None})
    exporter.run(pause=False)
    exporter.stream = exporter.stream.model_copy(update={"bulk_from": LEAST_ERRORS})
    assert len(exporter.errors("status = 'open'")) == last


def batches(exporter: Exporter, transport: str = "bulk") -> list[tuple[Any, ...]]:
    """Return the daily job's batches: state, rows and their results."""
    return exporter.connection.execute(
        "select b.state, b.sent, b.accepted, b.refused, b.unprocessed from crm_export.ExportBatches b"
        " join crm_export.ExportRuns r on r.id = b.run"
        " where b.transport = %s and r.kind = 'reexport' order by b.id", [transport],
    ).fetchall()  # fmt: skip


def manifests(exporter: Exporter) -> int:
    """Count the rows of all manifests."""
    row = exporter.connection.execute("select count(*) from crm_export.ExportBatchRows").fetchone()
    return int(row[0]) if row else 0


@pytest.mark.parametrize("pause", [True, False], ids=["on", "off"])
def test_many_errors_go_by_one_job(daily: Exporter, pause: bool) -> None:
    reject(daily, 200)
    daily.control.switch_rule("no_bad_names", active=False)
    before, watermark = daily.last_call(), daily.watermark()
    report = daily.reexport(pause=pause)
    assert (report.tried, report.exported, report.still_rejected) == (200, 200, 0)
    assert batches(daily) == [("SETTLED", 200, 200, 0, 0)]
    assert len(daily.names()) == 201
    assert {(error["status"], error["resolved_by"]) for error in daily.errors()} == {("resolved", "CRMExport")}
    assert len(daily.calls(before)) <= 8
    assert daily.watermark() == watermark
    assert manifests(daily) == 0
    assert daily.reconcile().late == 0


def test_few_errors_go_in_small_requests(daily: Exporter) -> None:
    reject(daily, LEAST_ERRORS - 1)
    assert daily.reexport().still_rejected == LEAST_ERRORS - 1
    assert batches(daily) == []


def test_each_record_of_a_job_gets_what_happened_to_it(daily: Exporter) -> None:
    reject(daily, 200)
    daily.connection.execute("update app.accounts set name = 'mended' where id % 2 = 0")
    daily.connection.execute("delete from app.accounts where id between 101 and 110")
    daily.connection.execute("update app.accounts set notes = '#N/A' where id = 122")
    daily.connection.execute("update app.accounts set notes = E'a\\r\\nb' where id = 124")
    daily.connection.execute("update app.accounts set amount = 'NaN' where id = 126")
    daily.connection.execute("update app.accounts set deleted_at = now() where id = 128")
    daily.change(130, 500, name="newer")
    report = daily.reexport()
    assert (report.gone, report.left_to_export) == (10, 1)
    assert report.tried == report.exported + report.still_rejected == 189
    states = {int(error["record_key"]): error for error in daily.errors()}
    assert {states[n]["status"] for n in range(2, 101, 2)} == {"resolved"}
    odd = [states[n] for n in range(131, 200, 2)]
    assert {(each["status"], each["attempts"], each["reexports"]) for each in odd} == {("open", 2, 1)}
    assert {states[n]["resolved_by"] for n in range(101, 111)} == {"source_deleted"}
    notes = {each["fields"]["Ext__c"]: each["fields"].get("Notes__c") for each in daily.control.records("Account")}
    assert (notes["A122"], notes["A124"]) == ("#N/A", "a\r\nb")
    assert (states[126]["status"], states[126]["error_code"]) == ("open", "CRM_EXPORT_VALUE_NOT_SENDABLE")
    assert states[128]["status"] == "resolved"
    assert states[130]["status"] == "open"
    assert daily.reexport().tried == 0
    daily.run(pause=False)
    assert daily.names()["A130"] == "newer"
    assert daily.reconcile().late == 0


def test_retrying_every_error_sends_each_record_once(daily: Exporter) -> None:
    reject(daily, 120)
    assert daily.reexport(every=True).still_rejected == 120
    assert {error["attempts"] for error in daily.errors()} == {2}
    assert daily.reexport(every=True).still_rejected == 120


def test_records_that_are_rejected_as_before_are_no_evidence_against_the_run(daily: Exporter) -> None:
    reject(daily, 100)
    daily.connection.execute("update crm_export.ExportErrors set error_code = 'STORAGE_LIMIT_EXCEEDED'")
    daily.control.switch_rule("no_bad_names", active=False)
    daily.control.switch_rule("full", active=True)
    daily.stream = daily.stream.model_copy(update={"max_errors": 1})
    assert daily.reexport().still_rejected == 100
    assert batches(daily) == [("SETTLED", 100, 0, 100, 0)]
    assert {(error["error_code"], error["attempts"]) for error in daily.errors()} == {("STORAGE_LIMIT_EXCEEDED", 2)}


def test_a_job_that_is_rejected_for_another_reason_than_its_records_stops_the_run(daily: Exporter) -> None:
    reject(daily, 100)
    daily.connection.execute("update app.accounts set name = 'forbidden' where id <= 100")
    with pytest.raises(CircuitFailure):
        daily.reexport()
    assert {error["attempts"] for error in daily.errors("status = 'open'")} == {1}
    assert (batches(daily)[-1][0], manifests(daily)) == ("ABANDONED", 0)


def test_ids_that_salesforce_takes_for_one_are_rejected(daily: Exporter) -> None:
    reject(daily, 100)
    daily.connection.execute("update app.accounts set ext = 'a50' where id = 61")
    daily.control.switch_rule("no_bad_names", active=False)
    report = daily.reexport()
    assert (report.exported, report.still_rejected) == (98, 2)
    found = {error["record_key"]: error["error_code"] for error in daily.errors("status = 'open'")}
    assert found == {"50": "CRM_EXPORT_EXTERNAL_ID_CONFLICT", "61": "CRM_EXPORT_EXTERNAL_ID_CONFLICT"}


def test_a_lock_that_clears_is_tried_once_more(daily: Exporter) -> None:
    reject(daily, 100)
    daily.connection.execute("update app.accounts set name = 'mended ' || id where id <= 99")
    daily.connection.execute("update app.accounts set name = 'locked' where id = 77")
    daily.connection.execute("update app.accounts set name = 'always locked' where id = 78")
    report = daily.reexport()
    assert daily.names()["A77"] == "locked"
    [locked, bad] = daily.errors("status = 'open'")
    assert (locked["record_key"], locked["error_code"], bad["record_key"]) == ("78", "UNABLE_TO_LOCK_ROW", "100")
    assert (report.exported, report.still_rejected) == (98, 2)


@pytest.mark.parametrize("moment", ["PUT", "PATCH"], ids=["before the upload", "before the job runs"])
def test_a_row_that_changes_meanwhile_ends_in_its_newest_version(daily: Exporter, moment: str) -> None:
    reject(daily, 120)
    daily.control.switch_rule("no_bad_names", active=False)

    class Changing(requests.Session):
        def request(self, method: Any, url: Any, *arguments: Any, **more: Any) -> requests.Response:
            if method == moment and "jobs/ingest" in url:
                daily.change(90, 500, name="newest")
            return super().request(method, url, *arguments, **more)

    daily.make_session = Changing
    report = daily.reexport()
    assert (report.exported, report.left_to_export) == ((119, 1) if moment == "PUT" else (120, 0))
    assert daily.names().get("A90") == (None if moment == "PUT" else "bad")
    daily.make_session = requests.Session
    daily.run(pause=False)
    assert daily.names()["A90"] == "newest"
    assert daily.errors("status <> 'resolved'") == []
    assert daily.reconcile().late == 0


def test_the_next_export_settles_the_job_before_it_sends_anything_newer(daily: Exporter) -> None:
    reject(daily, 120)
    daily.connection.execute("update app.accounts set name = 'mended' where id <> 120")
    daily.control.set_bulk(delay_seconds=0.5)
    daily.options |= {"job_patience": 0.0}
    with pytest.raises(JobPending):
        daily.reexport()
    daily.change(90, 500, name="newest")
    del daily.options["job_patience"]
    assert daily.run(pause=True).outcome is Outcome.COMPLETE
    assert daily.names()["A90"] == "newest"
    assert batches(daily) == [("SETTLED", 120, 119, 1, 0)]
    [error] = daily.errors("status <> 'resolved'")
    assert (error["record_key"], error["attempts"], error["reexports"]) == ("120", 2, 1)
    assert daily.reexport().tried == 0


def test_a_job_that_fails_as_a_whole_leaves_its_errors_open(daily: Exporter) -> None:
    reject(daily, 100)
    daily.control.switch_rule("no_bad_names", active=False)
    daily.control.add_job_fault(fail="InvalidBatch : Field name not found : Kind__c")
    with pytest.raises(ConfigurationFailure, match="Field name not found"):
        daily.reexport()
    assert len(daily.errors("status = 'open'")) == 100
    assert (batches(daily)[-1][0], manifests(daily)) == ("ABANDONED", 0)
    assert daily.reexport().exported == 100


def test_a_job_that_ends_in_the_middle_settles_what_it_has_answered(daily: Exporter) -> None:
    reject(daily, 100)
    daily.control.switch_rule("no_bad_names", active=False)
    daily.control.set_bulk(batch_rows=10)
    daily.control.add_job_fault(fail="InternalServerError : planted", fail_after_batches=3)
    with pytest.raises(SalesforceFailure, match="planted"):
        daily.reexport()
    assert len(daily.errors("status = 'open'")) == 70
    assert (batches(daily), manifests(daily)) == ([("SETTLED", 100, 30, 0, 70)], 0)
    assert daily.reexport().exported == 70
    assert daily.reconcile().late == 0


@pytest.mark.parametrize("fault", [{"lose_rows": 1}, {"cut_results": True}], ids=["a row is missing", "it is cut"])
def test_a_record_without_an_answer_stays_open(daily: Exporter, fault: dict[str, Any]) -> None:
    reject(daily, 100)
    daily.connection.execute("update app.accounts set name = 'mended' where id not in (50, 60)")
    daily.control.add_job_fault(lose="failedResults", **fault)
    with pytest.raises(SalesforceFailure, match=r"99 of 100 records of Bulk job 750.*their errors stay open"):
        daily.reexport()
    states = {error["record_key"]: error["attempts"] for error in daily.errors("status = 'open'")}
    assert sorted(states) == ["50", "60"]
    assert sorted(states.values()) == [1, 2]
    daily.reexport()
    assert {error["attempts"] for error in daily.errors("status = 'open'")} == {2}


def test_a_row_that_postgres_cannot_read_is_found_by_small_requests(daily: Exporter) -> None:
    reject(daily, 100)
    daily.control.switch_rule("no_bad_names", active=False)
    daily.connection.execute("alter table app.accounts rename to raw")
    daily.connection.execute(
        "create view app.accounts as select id, ext, name, kind, notes, changed_at, deleted_at,"
        " (1 / case when id = 70 then 0 else 1 end)::numeric as amount from app.raw"
    )
    report = daily.reexport()
    assert (report.exported, report.still_rejected) == (99, 1)
    [error] = daily.errors("status = 'open'")
    assert (error["record_key"], error["error_code"]) == ("70", "CRM_EXPORT_ROW_UNREADABLE")


def test_rows_larger_than_expected_are_divided_again(daily: Exporter) -> None:
    reject(daily, 200)
    daily.control.switch_rule("no_bad_names", active=False)
    daily.connection.execute("update app.accounts set notes = repeat('x', 600) ")
    daily.stream = daily.stream.model_copy(update={"bulk_from": 10})
    daily.options |= {"job_bytes": 12_000, "job_limit": 60_000}
    assert daily.reexport().exported == 200
    assert len([row for row in batches(daily) if row[0] == "SETTLED"]) > 1


def test_too_few_bulk_batches_left_means_small_requests(daily: Exporter) -> None:
    reject(daily, 100)
    daily.control.set_limit("DailyBulkApiBatches", most=15_000, used=15_000)
    assert daily.reexport().still_rejected == 100
    assert batches(daily) == []


def test_jobs_keep_to_the_share_of_the_daily_calls(daily: Exporter) -> None:
    reject(daily, 100)
    daily.options |= {"daily_api_limit": 12}
    report = daily.reexport(every=True)
    assert report.tried < 100
    assert batches(daily) == []
    [outcome] = daily.connection.execute(
        "select outcome from crm_export.ExportRuns order by id desc limit 1").fetchone() or [None]  # fmt: skip
    assert outcome == Outcome.WAITING_FOR_CREDITS


def test_only_new_records_get_some_fields_so_no_job_is_used(daily: Exporter) -> None:
    daily.stream = make_stream(bulk_from=LEAST_ERRORS, create_only=["Notes__c"])
    reject(daily, 100)
    assert daily.reexport().still_rejected == 100
    assert batches(daily) == []

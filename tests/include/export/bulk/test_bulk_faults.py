"""Bulk jobs whose calls, processing or results fail: processed rows are settled, the others sent, none twice."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from exporter import Exporter, make_stream
from include.export.failures import ConfigurationFailure, QuotaFailure, SalesforceFailure
from include.export.ledger.runs import Outcome
from points import Point, Points, PointSession

CREATE = {"method": "POST", "path_regex": "/jobs/ingest$"}
UPLOAD = {"method": "PUT", "path_regex": "/batches$"}
CLOSE = {"method": "PATCH", "path_regex": r"/jobs/ingest/\w+$"}
POLL = {"method": "GET", "path_regex": r"/jobs/ingest/\w+$"}
REJECTED = {"method": "GET", "path_regex": "/failedResults"}
ACCEPTED = {"method": "GET", "path_regex": "/successfulResults"}
UNPROCESSED = {"method": "GET", "path_regex": "/unprocessedrecords"}
EXPIRED = {"status": 401, "body": '[{"errorCode":"INVALID_SESSION_ID","message":"Session expired or invalid"}]'}


@pytest.fixture
def bulk(exporter: Exporter) -> Exporter:
    """Return an exporter with 90 new rows: 25 are sent in a small request and 65 in a job."""
    exporter.stream = make_stream(bulk_from=30)
    exporter.options |= {"poll_delays": (0.02, 0.05), "lease_seconds": 0.05}
    exporter.control.set_bulk(batch_rows=10)
    exporter.add_many(1, 90)
    return exporter


def states(bulk: Exporter) -> Counter[str]:
    """Return how many jobs of the org are in each state."""
    session = bulk.login()
    answer = session.http.get(
        f"{session.instance_url}/services/data/v59.0/jobs/ingest",
        headers={"Authorization": f"Bearer {session.access_token}"},
        timeout=10,
    )
    return Counter(job["state"] for job in answer.json()["records"])


def check_all_once(bulk: Exporter, rows: int = 90) -> None:
    """Check that every row is in the org and was written once, and that no error or batch is open."""
    assert len(bulk.names()) == len(bulk.control.writes("Account")) == rows
    assert bulk.errors("status <> 'resolved'") == []
    assert bulk.watermark() == str(rows)
    left = "select count(*) from crm_export.ExportBatches where state in ('PLANNED', 'SENDING')"
    assert bulk.connection.execute(left).fetchone() == (0,)


class TestCalls:
    @pytest.mark.fault("B2")
    @pytest.mark.parametrize("match", [CREATE, UPLOAD, CLOSE, POLL], ids=["create", "upload", "close", "poll"])
    def test_an_expired_session_is_renewed_once_and_the_run_goes_on(
        self, bulk: Exporter, match: dict[str, str]
    ) -> None:
        bulk.options["prefetched_jobs"] = 1
        bulk.control.add_fault(match=match, answer=EXPIRED)
        assert bulk.run(pause=False).outcome is Outcome.COMPLETE
        assert count_logins(bulk) == 2
        assert states(bulk) == {"JobComplete": 1}
        check_all_once(bulk)

    @pytest.mark.fault("B2")
    def test_a_session_that_expires_during_an_upload_ahead_costs_that_upload_only(self, bulk: Exporter) -> None:
        bulk.control.add_fault(match=UPLOAD, answer=EXPIRED)
        assert bulk.run(pause=False).outcome is Outcome.COMPLETE
        assert states(bulk) == {"Aborted": 1, "JobComplete": 1}
        check_all_once(bulk)

    @pytest.mark.fault("B2")
    def test_an_expired_session_at_the_rejected_results_is_renewed_once(self, bulk: Exporter) -> None:
        bulk.connection.execute("update app.accounts set name = 'bad' where id = 50")
        bulk.control.add_fault(match=REJECTED, answer=EXPIRED)
        assert bulk.run(pause=False).rejected == 1
        assert count_logins(bulk) == 2

    @pytest.mark.fault("B2")
    @pytest.mark.parametrize("match", [ACCEPTED, UNPROCESSED], ids=["accepted", "unprocessed"])
    def test_an_expired_session_at_the_other_results_is_renewed_once(
        self, bulk: Exporter, match: dict[str, str]
    ) -> None:
        bulk.control.add_job_fault(fail="InternalServerError : planted", fail_after_batches=2)
        bulk.control.add_fault(match=match, answer=EXPIRED)
        with pytest.raises(SalesforceFailure, match="planted"):
            bulk.run(pause=False)
        assert count_logins(bulk) == 2
        assert bulk.run(pause=False).outcome is Outcome.COMPLETE
        check_all_once(bulk)

    @pytest.mark.fault("B3")
    def test_a_job_that_was_created_without_an_answer_is_aborted_and_another_made(self, bulk: Exporter) -> None:
        bulk.control.add_fault(match=CREATE, cut="after")
        assert bulk.run(pause=False).outcome is Outcome.COMPLETE
        assert states(bulk) == {"Aborted": 1, "JobComplete": 1}
        check_all_once(bulk)

    @pytest.mark.fault("B4")
    @pytest.mark.parametrize(
        ("code", "message"),
        [
            ("INVALIDENTITY", "Entity 'Acount' is not supported by the Bulk API."),
            ("INVALIDJOB", "Field name provided: Ext__c is not an External ID or indexed field"),
        ],
    )
    def test_a_job_that_is_rejected_for_its_object_or_field_is_a_message_to_correct(
        self, bulk: Exporter, code: str, message: str
    ) -> None:
        answer = {"status": 400, "body": f'[{{"errorCode":"{code}","message":"{message}"}}]'}
        bulk.control.add_fault(match=CREATE, answer=answer)
        with pytest.raises(ConfigurationFailure, match=code):
            bulk.run(pause=False)
        assert (bulk.errors(), bulk.watermark()) == ([], "25")
        assert bulk.run(pause=False).outcome is Outcome.COMPLETE
        check_all_once(bulk)

    @pytest.mark.fault("B5", "B6")
    @pytest.mark.parametrize("cut", ["before", "after"], ids=["half-way", "executed, answer lost"])
    def test_an_upload_without_an_answer_is_aborted_and_made_again(self, bulk: Exporter, cut: str) -> None:
        bulk.control.add_fault(match=UPLOAD, cut=cut)
        assert bulk.run(pause=False).outcome is Outcome.COMPLETE
        assert states(bulk) == {"Aborted": 1, "JobComplete": 1}
        check_all_once(bulk)

    @pytest.mark.fault("B7")
    def test_a_job_that_was_closed_without_an_answer_is_looked_at_and_no_row_goes_again(self, bulk: Exporter) -> None:
        bulk.control.add_fault(match=CLOSE, cut="after")
        assert bulk.run(pause=False).rows_sent == 90
        assert states(bulk) == {"JobComplete": 1}
        check_all_once(bulk)

    @pytest.mark.fault("B8")
    def test_closing_a_job_is_tried_again_and_else_the_job_is_aborted_by_the_next_run(self, bulk: Exporter) -> None:
        bulk.control.add_fault(match=CLOSE, answer={"status": 500, "body": "[]"})
        assert bulk.run(pause=False).outcome is Outcome.COMPLETE
        assert states(bulk) == {"JobComplete": 1}
        bulk.add_many(91, 150)
        bulk.control.add_fault(match=CLOSE, times=99, answer={"status": 500, "body": "[]"})
        with pytest.raises(SalesforceFailure, match="HTTP 500"):
            bulk.run(pause=False)
        assert states(bulk)["Open"] == 1
        bulk.control.clear_faults()
        assert bulk.run(pause=False).outcome is Outcome.COMPLETE
        assert states(bulk)["Open"] == 0
        check_all_once(bulk, 150)

    @pytest.mark.fault("B9", "B10")
    @pytest.mark.parametrize(
        "fault",
        [{"answer": {"status": 503, "body": "<html>Down</html>"}}, {"delay_seconds": 0.5}],
        ids=["maintenance", "never answered"],
    )
    def test_a_job_whose_state_cannot_be_read_is_adopted_by_the_next_run(
        self, bulk: Exporter, fault: dict[str, Any]
    ) -> None:
        bulk.timeouts = (5, 0.2)
        bulk.control.add_fault(match=POLL, times=99, **fault)
        with pytest.raises(SalesforceFailure, match="GET jobs/ingest"):
            bulk.run(pause=False)
        assert (bulk.errors(), bulk.watermark()) == ([], "25")
        bulk.control.clear_faults()
        bulk.timeouts = (5, 30)
        calls = bulk.last_call()
        assert bulk.run(pause=False).outcome is Outcome.COMPLETE
        assert {call["method"] for call in bulk.calls(calls)} == {"GET"}
        check_all_once(bulk)

    @pytest.mark.fault("B9")
    def test_a_state_that_can_be_read_a_little_later_is_waited_for(self, bulk: Exporter) -> None:
        bulk.control.add_fault(match=POLL, times=2, answer={"status": 503, "body": "<html>Down</html>"})
        assert bulk.run(pause=False).outcome is Outcome.COMPLETE
        check_all_once(bulk)


class TestJobs:
    @pytest.mark.fault("B12")
    @pytest.mark.parametrize("pause", [True, False], ids=["on", "off"])
    def test_of_a_job_that_fails_half_way_what_was_processed_is_settled(self, bulk: Exporter, pause: bool) -> None:
        bulk.control.add_job_fault(fail="InternalServerError : planted", fail_after_batches=2)
        with pytest.raises(SalesforceFailure, match="gave up on Bulk job"):
            bulk.run(pause=pause)
        assert (bulk.errors(), bulk.watermark()) == ([], "45")
        assert len(bulk.names()) == 45
        assert bulk.run(pause=pause).outcome is Outcome.COMPLETE
        check_all_once(bulk)

    @pytest.mark.fault("B13")
    def test_of_a_job_that_somebody_aborts_what_was_processed_is_settled(self, bulk: Exporter) -> None:
        bulk.control.set_bulk(batch_delay_seconds=0.2)
        bulk.make_session = lambda: PointSession(Points(Point("after GET jobs/ingest/JOB", 3), lambda: abort_all(bulk)))
        with pytest.raises(SalesforceFailure, match="somebody aborted Bulk job"):
            bulk.run(pause=False)
        assert states(bulk) == {"Aborted": 1}
        assert (bulk.errors(), bulk.watermark()) == ([], str(len(bulk.names())))
        bulk.control.set_bulk(batch_delay_seconds=0)
        assert bulk.run(pause=False).outcome is Outcome.COMPLETE
        check_all_once(bulk)

    @pytest.mark.fault("B22")
    def test_a_job_that_runs_into_the_limit_of_the_day_is_settled_as_far_as_it_came(self, bulk: Exporter) -> None:
        bulk.control.set_limit("DailyBulkApiBatches", most=15_000, used=14_997)
        with pytest.raises(QuotaFailure, match="ExceededQuota"):
            bulk.run(pause=False)
        assert (bulk.errors(), bulk.watermark()) == ([], "55")
        bulk.control.set_limit("DailyBulkApiBatches", most=15_000)
        assert bulk.run(pause=False).outcome is Outcome.COMPLETE
        check_all_once(bulk)

    @pytest.mark.fault("C8")
    @pytest.mark.parametrize("pause", [True, False], ids=["on", "off"])
    def test_all_rejections_of_a_job_are_recorded_at_once_and_the_first_holds(
        self, bulk: Exporter, pause: bool
    ) -> None:
        bulk.connection.execute("update app.accounts set name = 'bad' where id between 26 and 55")
        bulk.connection.execute("update app.accounts set kind = 'Z' where id between 56 and 75")
        assert bulk.run(pause=False).outcome is Outcome.COMPLETE
        assert len(bulk.errors("status = 'open'")) == 50
        bulk.connection.execute(
            "delete from crm_export.ExportErrorAttempts; delete from crm_export.ExportErrors;"
            " update app.accounts set changed_at = changed_at + interval '1 day' where id > 25"
        )
        bulk.stream = make_stream(bulk_from=1)
        report = bulk.run(pause=pause)
        bulk.gate(pause=pause)
        assert report.outcome is (Outcome.HELD if pause else Outcome.COMPLETE)
        assert [error["record_key"] for error in bulk.errors("holding")] == (["26"] if pause else [])


class TestResults:
    @pytest.fixture
    def rejected(self, bulk: Exporter) -> Exporter:
        bulk.connection.execute("update app.accounts set name = 'bad' where id in (50, 60)")
        return bulk

    @pytest.mark.fault("B16")
    def test_results_in_any_order_are_matched(self, rejected: Exporter) -> None:
        rejected.control.set_bulk(shuffle=True, batch_rows=65)
        assert rejected.run(pause=False).rejected == 2
        assert [error["record_key"] for error in rejected.errors()] == ["50", "60"]

    @pytest.mark.fault("B16")
    @pytest.mark.parametrize("ids", [["A50", "FOREIGN"], ["A50", "A50"]], ids=["foreign", "twice"])
    @pytest.mark.parametrize("pause", [True, False], ids=["on", "off"])
    def test_an_answer_for_a_row_that_was_not_sent_or_twice_for_one_is_no_error_of_a_record(
        self, rejected: Exporter, ids: list[str], pause: bool
    ) -> None:
        columns = ["sf__Id", "sf__Error", *rejected.stream.fields]
        lines = [",".join(f'"{column}"' for column in columns)]
        lines += [f'"","REQUIRED_FIELD_MISSING:planted:Name --","{each}"' + ',""' * (len(columns) - 3) for each in ids]
        body = "\n".join(lines) + "\n"
        rejected.control.add_fault(match=REJECTED, times=99, answer={"status": 200, "body": body})
        with pytest.raises(SalesforceFailure):
            rejected.run(pause=pause)
        assert {error["record_key"] for error in rejected.errors()} <= {"50"}
        watermark = int(rejected.watermark() or 0)
        assert watermark < 60
        rejected.control.clear_faults()
        rejected.control.switch_rule("no_bad_names", active=False)
        rejected.run(pause=pause)
        rejected.run(pause=pause)
        rejected.reexport(every=True)
        assert len(rejected.names()) == 90
        assert rejected.errors("status <> 'resolved'") == []

    @pytest.mark.fault("B17")
    @pytest.mark.parametrize("pause", [True, False], ids=["on", "off"])
    def test_external_ids_and_messages_of_any_script_are_matched(self, rejected: Exporter, pause: bool) -> None:
        rejected.connection.execute("update app.accounts set ext = ext || ' ë 漢 🙂' where id > 25")
        rejected.run(pause=pause)
        errors = rejected.errors()
        assert [error["record_key"] for error in errors][:1] == ["50"]
        assert errors[0]["external_id"] == "A50 ë 漢 🙂"
        assert "A26 ë 漢 🙂" in rejected.names()


def count_logins(bulk: Exporter) -> int:
    return len([call for call in bulk.control.requests() if "oauth2/token" in call["path"]])


def abort_all(bulk: Exporter) -> None:
    """Abort every unfinished job, as an administrator does."""
    bulk.make_session, make = type(bulk).make_session, bulk.make_session
    session = bulk.login()
    headers = {"Authorization": f"Bearer {session.access_token}"}
    jobs = f"{session.instance_url}/services/data/v59.0/jobs/ingest"
    for job in session.http.get(jobs, headers=headers, timeout=10).json()["records"]:
        if job["state"] not in {"JobComplete", "Failed", "Aborted"}:
            session.http.patch(f"{jobs}/{job['id']}", json={"state": "Aborted"}, headers=headers, timeout=10)
    bulk.make_session = make

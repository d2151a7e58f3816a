"""Faults met in the field, in Bulk jobs."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest

from exporter import CONTACTS, Exporter, make_stream
from include.export.bulk import settlement
from include.export.failures import SalesforceFailure, SourceFailure
from include.export.ledger.runs import Outcome
from include.export.postgres.copy_reader import Readers
from include.export.streams.stream import Stream

JOBS = "select state, sent, accepted, refused from crm_export.ExportBatches where transport = 'bulk' order by id"


@pytest.fixture
def bulk(exporter: Exporter) -> Exporter:
    """Return an exporter whose stream uses Bulk jobs from 30 rows on, in both modes."""
    exporter.stream = make_stream(bulk_from=30)
    exporter.options |= {"poll_delays": (0.02, 0.05)}
    return exporter


def spoil(bulk: Exporter, *ids: int) -> None:
    """Let the org reject accounts."""
    bulk.connection.execute("update app.accounts set name = 'bad' where id = any (%s)", [list(ids)])


@pytest.mark.field("F10")
class TestEveryRejectionIsRecordedOrNothingIsAcknowledged:
    @pytest.mark.parametrize("pause", [True, False], ids=["on", "off"])
    def test_fewer_rows_written_than_given_end_the_run(self, bulk: Exporter, pause: bool) -> None:
        bulk.add_many(1, 90)
        spoil(bulk, 40, 50)
        bulk.connection.execute(
            "create function app.lose() returns trigger language plpgsql as"
            " $$ begin if new.record_key = '50' then return null; end if; return new; end $$;"
            " create trigger lose before insert on crm_export.ExportErrors for each row execute function app.lose()"
        )
        with pytest.raises(SourceFailure, match="1 of 2 rejections of Bulk job 750"):
            bulk.run(pause=pause)
        assert (bulk.watermark(), bulk.errors()) == ("25", [])
        bulk.connection.execute("drop trigger lose on crm_export.ExportErrors")
        bulk.run(pause=False)
        assert [error["record_key"] for error in bulk.errors()] == ["40", "50"]
        assert bulk.watermark() == "90"

    def test_a_job_that_counts_more_rejections_than_it_lists_is_sent_again(self, bulk: Exporter) -> None:
        bulk.add_many(1, 90)
        spoil(bulk, 40, 50)
        bulk.control.set_bulk(shuffle=False, delay_seconds=1.0)  # else it may have finished at the first poll
        bulk.control.add_job_fault(lose="failedResults", lose_rows=1)
        assert bulk.run(pause=False, job_patience=0.0).outcome is Outcome.WAITING_FOR_JOB
        bulk.connection.execute("delete from app.accounts where id in (40, 50)")
        with pytest.raises(SalesforceFailure, match="counts 2 rejections and lists 1"):
            bulk.run(pause=False)
        assert bulk.watermark() == "25"
        assert bulk.run(pause=False).outcome is Outcome.COMPLETE
        assert bulk.watermark() == "90"

    def test_results_that_change_between_two_reads_prove_nothing(
        self, bulk: Exporter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        send = settlement._Settling._send_left_out

        def send_in_another_session(settling: settlement._Settling) -> None:
            send(settling)
            settling.run.connection.execute("truncate crm_export_results")  # as another session of a pooler has it

        monkeypatch.setattr(settlement._Settling, "_send_left_out", send_in_another_session)
        bulk.add_many(1, 90)
        spoil(bulk, 40, 50)
        with pytest.raises(SourceFailure, match="changed between two reads"):
            bulk.run(pause=False)
        assert (bulk.watermark(), bulk.errors()) == ("25", [])


@pytest.mark.field("F32")
class TestTheSettingIsOn:
    def test_a_small_backlog_is_sent_in_atomic_requests_and_the_stop_is_exact(self, bulk: Exporter) -> None:
        bulk.stream = make_stream(bulk_from=30, bulk_from_paused=500)
        bulk.add_many(1, 300)
        spoil(bulk, 200)
        report = bulk.run(pause=True)
        assert report.outcome is Outcome.HELD
        assert bulk.connection.execute(JOBS).fetchall() == []
        assert set(bulk.names()) == {f"A{n}" for n in range(1, 200)}
        hold = bulk.gate()
        assert hold is not None
        assert "are in Salesforce already" not in hold.message + report.message

    def test_a_large_backlog_is_sent_in_jobs_to_its_end(self, bulk: Exporter) -> None:
        bulk.stream = make_stream(bulk_from=30, bulk_from_paused=500)
        bulk.add_many(1, 800)
        assert bulk.run(pause=True).outcome is Outcome.COMPLETE
        assert [sent for _, sent, _, _ in bulk.connection.execute(JOBS)] == [30, 240, 505]

    def test_exact_stop_forbids_jobs(self, bulk: Exporter) -> None:
        bulk.stream = make_stream(bulk_from=30, bulk_from_paused=None)
        bulk.add_many(1, 120)
        bulk.run(pause=True)
        assert bulk.connection.execute(JOBS).fetchall() == []

    def test_with_the_setting_off_jobs_are_used_from_bulk_from_on(self, bulk: Exporter) -> None:
        bulk.stream = make_stream(bulk_from=30, bulk_from_paused=500)
        bulk.add_many(1, 120)
        bulk.run(pause=False)
        assert len(bulk.connection.execute(JOBS).fetchall()) == 1

    def test_the_hold_says_how_many_later_rows_a_job_had_carried(self, bulk: Exporter) -> None:
        bulk.add_many(1, 55)
        spoil(bulk, 40, 50)
        report = bulk.run(pause=True)
        said = "Up to 14 later rows are in Salesforce already: Bulk jobs carried them"
        assert said in report.message
        hold = bulk.gate()
        assert hold is not None
        assert said in hold.message
        assert len(bulk.names()) == 53, "ids 41 to 55 without 50"
        bulk.run(pause=True)
        hold = bulk.gate()
        assert hold is not None
        assert said in hold.message, "another attempt of the same record does not forget it"
        bulk.control.switch_rule("no_bad_names", active=False)
        assert bulk.run(pause=True).outcome is Outcome.COMPLETE
        state = "select arrived_behind, rejected_behind from crm_export.ExportWatermarks"
        assert bulk.connection.execute(state).fetchone() == (None, None)


@pytest.mark.field("Fh")
def test_few_rejections_behind_the_stop_are_recorded_and_the_others_counted(bulk: Exporter) -> None:
    bulk.stream = make_stream(bulk_from=400)
    bulk.add_many(1, 425)
    bulk.connection.execute("update app.accounts set name = 'bad' where id > 100")
    bulk.connection.execute("update app.accounts set kind = 'no such kind', name = 'x' where id > 420")
    report = bulk.run(pause=True)
    assert report.outcome is Outcome.HELD
    assert [int(error["record_key"]) for error in bulk.errors()] == list(range(101, 302))
    said = (
        "The same jobs had 124 more rejections, which are not listed one by one: "
        "119 FIELD_CUSTOM_VALIDATION_EXCEPTION, 5 INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST."
    )
    hold = bulk.gate()
    assert hold is not None
    assert said in hold.message
    assert said in report.message
    assert bulk.run(pause=False).outcome is Outcome.COMPLETE
    assert len(bulk.errors("status = 'open'")) == 325


@pytest.mark.field("F29")
def test_a_parent_is_cleared_through_collections(bulk: Exporter) -> None:
    bulk.add_many(1, 3)
    bulk.run(pause=False)
    bulk.stream = Stream(**CONTACTS, bulk_from=10, bulk_from_paused=10)
    bulk.connection.execute(
        "insert into app.contacts select 'c' || n, 'C' || n, 'Name', 'A1', now() - interval '1 hour'"
        " from generate_series(1, 60) n"
    )
    bulk.run(pause=False)
    bulk.connection.execute(
        "update app.contacts set changed_at = now() - interval '1 minute', account = case when id < 'c3' then null"
        " when id < 'c4' then '' else account end"
    )
    before = bulk.last_call()
    assert bulk.run(pause=False).outcome is Outcome.COMPLETE
    uploads = [call["body"] for call in bulk.calls(before) if call["method"] == "PUT"]
    assert any("Account.Ext__c" in body for body in uploads)
    assert all("#N/A" not in body for body in uploads)
    parents = {each["fields"]["Ext__c"]: each["fields"].get("AccountId") for each in bulk.control.records("Contact")}
    cleared = {f"C{n}" for n in range(1, 61) if f"c{n}" < "c4"}
    assert {name for name, parent in parents.items() if not parent} == cleared


@pytest.mark.field("F17")
def test_smaller_windows_where_the_server_ends_long_statements(bulk: Exporter, monkeypatch: pytest.MonkeyPatch) -> None:
    bulk.add_many(1, 400)
    # the COPY of a window waits for each of its rows, as with a throttled upload
    bulk.connection.execute(
        "alter table app.accounts rename to accounts_behind;"
        "create function app.slowly(text) returns text language plpgsql volatile as"
        " $$ begin if current_setting('statement_timeout') <> '0' then perform pg_sleep(0.004); end if;"
        " return $1; end $$;"
        "create view app.accounts as select id, ext, name, kind, amount, app.slowly(notes) as notes, changed_at,"
        " deleted_at from app.accounts_behind"
    )
    opened = Readers.open_snapshot

    @contextmanager
    def open_impatient(readers: Readers, of: str | None = None, *, rows: int = 0) -> Generator[psycopg.Connection]:
        with opened(readers, of, rows=rows) as reader:
            reader.execute("set statement_timeout = '600ms'" if of is None else "select 1")
            yield reader

    monkeypatch.setattr(Readers, "open_snapshot", open_impatient)
    report = bulk.run(pause=False)
    assert (report.outcome, report.accepted) == (Outcome.COMPLETE, 400)
    assert len(bulk.names()) == 400
    states = [state for state, _, _, _ in bulk.connection.execute(JOBS)]
    assert states.count("ABANDONED") >= 1
    assert states.count("SETTLED") >= 3


class TestHowSalesforceNamesThings:
    def test_columns_are_spelt_as_describe_spells_them(self, bulk: Exporter) -> None:
        fields = {"eXT__C": "ext", "NAME": "name"}
        bulk.stream = make_stream(bulk_from=30, fields=fields, external_id="eXT__C")
        bulk.control.set_bulk(misspelt_columns_are_empty=True)
        bulk.add_many(1, 90)
        spoil(bulk, 50)
        report = bulk.run(pause=False)
        assert (report.outcome, report.accepted, report.rejected) == (Outcome.COMPLETE, 89, 1)
        assert [error["record_key"] for error in bulk.errors()] == ["50"]

    def test_external_ids_that_come_back_in_lower_case_are_matched(self, bulk: Exporter) -> None:
        fields = {"Email__c": "notes", "Name": "name"}
        bulk.control.change_field("Account", "Email__c", external_id=True, unique=True)
        bulk.stream = make_stream(bulk_from=30, fields=fields, external_id="Email__c")
        bulk.add_many(1, 90)
        bulk.connection.execute("update app.accounts set notes = 'Person' || id || '@Tests.example'")
        spoil(bulk, 50)
        report = bulk.run(pause=False)
        assert (report.outcome, report.accepted, report.rejected) == (Outcome.COMPLETE, 89, 1)
        assert bulk.errors()[0]["external_id"] == "Person50@Tests.example"

    def test_no_content_is_an_empty_result_file(self, bulk: Exporter) -> None:
        bulk.control.set_bulk(no_failures_status=204, batch_rows=20)
        bulk.add_many(1, 90)
        bulk.control.add_job_fault(fail="InternalError : try later", fail_after_batches=1)
        with pytest.raises(SalesforceFailure, match="InternalError"):
            bulk.run(pause=False)
        assert bulk.watermark() == "45"


class TestAJobThatSalesforceDoesNotFinish:
    def test_it_is_aborted_after_job_timeout_and_the_run_says_so(self, bulk: Exporter) -> None:
        bulk.stream = make_stream(bulk_from=30, job_timeout="1s")
        bulk.control.set_bulk(delay_seconds=3600.0)
        bulk.add_many(1, 90)
        with pytest.raises(
            SalesforceFailure, match=r"did not finish Bulk job 750\w+ within job_timeout \(1s\)"
        ) as said:
            bulk.run(pause=False)
        assert said.value.retriable
        assert bulk.watermark() == "25"
        bulk.control.set_bulk(delay_seconds=0.0)
        assert bulk.run(pause=False).outcome is Outcome.COMPLETE
        assert len(bulk.names()) == len(bulk.control.writes("Account")) == 90

    def test_the_time_runs_on_between_the_runs_that_wait_for_it(self, bulk: Exporter) -> None:
        bulk.stream = make_stream(bulk_from=30, job_timeout=timedelta(hours=12))
        bulk.control.set_bulk(delay_seconds=3600.0)
        bulk.add_many(1, 90)
        assert bulk.run(pause=False, job_patience=0.0).outcome is Outcome.WAITING_FOR_JOB
        bulk.connection.execute("update crm_export.ExportBatches set planned_at = planned_at - interval '13 hours'")
        with pytest.raises(SalesforceFailure, match=r"within job_timeout \(12h\)"):
            bulk.run(pause=False, job_patience=0.0)


class TestTheLastGoodSize:
    def test_the_next_run_begins_with_half_of_it(self, bulk: Exporter) -> None:
        bulk.add_many(1, 800)
        bulk.run(pause=True)
        bulk.connection.execute("update app.accounts set changed_at = changed_at + interval '1 day'")
        bulk.run(pause=True)
        assert [sent for _, sent, _, _ in bulk.connection.execute(JOBS)] == [30, 240, 505, 252, 523]

    def test_behind_a_rejection_the_next_run_begins_small(self, bulk: Exporter) -> None:
        bulk.add_many(1, 800)
        spoil(bulk, 700)
        assert bulk.run(pause=True).outcome is Outcome.HELD
        kept = "select job_rows from crm_export.ExportWatermarks"
        assert bulk.connection.execute(kept).fetchone() == (None,)

    def test_a_size_of_yesterday_is_not_used(self, bulk: Exporter) -> None:
        bulk.add_many(1, 800)
        bulk.run(pause=True)
        bulk.connection.execute("update crm_export.ExportWatermarks set job_rows_at = now() - interval '25 hours'")
        bulk.connection.execute("update app.accounts set changed_at = changed_at + interval '1 day'")
        bulk.run(pause=True)
        assert [sent for _, sent, _, _ in bulk.connection.execute(JOBS)][3:] == [30, 240, 505]

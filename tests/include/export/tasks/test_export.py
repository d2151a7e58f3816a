"""The export of one stream: setting on, setting off, held, healed."""

from __future__ import annotations

import pytest

from exporter import CONTACTS, Exporter, make_stream
from include.export.ledger.runs import Outcome
from include.export.streams.stream import Stream


def test_changed_rows_are_in_salesforce_and_the_watermark_at_the_last(exporter: Exporter) -> None:
    exporter.add({"id": 1}, {"id": 2, "amount": 12.5, "kind": "A"}, {"id": 3})
    report = exporter.run()
    assert report.outcome is Outcome.COMPLETE
    assert (report.rows_changed, report.rows_sent, report.accepted, report.rejected) == (3, 3, 3, 0)
    assert exporter.names() == {"A1": "Account 1", "A2": "Account 2", "A3": "Account 3"}
    assert exporter.watermark() == "3"
    assert exporter.gate() is None


@pytest.mark.fault("A15")
def test_a_second_run_without_changes_sends_nothing(exporter: Exporter) -> None:
    exporter.add({"id": 1})
    exporter.run()
    before, watermark = exporter.last_call(), read_watermark(exporter)
    report = exporter.run()
    assert report.outcome is Outcome.COMPLETE
    assert report.rows_changed == 0
    assert exporter.control.requests(before) == []
    assert read_watermark(exporter) == watermark


def read_watermark(exporter: Exporter) -> tuple[object, ...] | None:
    query = "select stream, cursor_at, record_key, updated_at, mapping, described_at from crm_export.ExportWatermarks"
    return exporter.connection.execute(query).fetchone()


def test_more_rows_than_a_batch_are_sent_once_and_in_growing_requests(exporter: Exporter) -> None:
    exporter.add_many(1, 700)
    report = exporter.run()
    assert (report.rows_changed, report.rows_sent, report.accepted) == (700, 700, 700)
    sizes = [call["body"].count('"attributes"') for call in exporter.calls() if call["method"] == "PATCH"]
    assert sizes == [25, 100, 200, 200, 175]
    assert len(exporter.names()) == 700


@pytest.mark.fault("A2")
def test_rows_of_one_moment_are_sent_once_across_pages(exporter: Exporter) -> None:
    exporter.connection.execute(
        "insert into app.accounts (id, ext, name, changed_at)"
        " select n, 'A' || n, 'Account ' || n, '2026-01-01' from generate_series(1, 5000) n"
    )
    report = exporter.run()
    assert (report.rows_sent, report.accepted) == (5000, 5000)
    assert len(exporter.control.writes("Account")) == len(exporter.names()) == 5000


class TestTheSettingIsOn:
    @pytest.mark.fault("C1")
    def test_nothing_newer_is_sent_and_the_watermark_is_just_before_the_rejected_record(
        self, exporter: Exporter
    ) -> None:
        exporter.add({"id": 1}, {"id": 2}, {"id": 3, "name": "bad"}, {"id": 4}, {"id": 5})
        report = exporter.run()
        assert report.outcome is Outcome.HELD
        assert exporter.watermark() == "2"
        assert exporter.names() == {"A1": "Account 1", "A2": "Account 2"}
        [error] = exporter.errors()
        assert (error["record_key"], error["error_code"], error["status"]) == (
            "3",
            "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            "open",
        )
        assert error["error_name"] == "ValidationRule"
        assert error["error_fields"] == ["Name"]

    @pytest.mark.fault("C1")
    def test_the_gate_fails_with_a_message_that_says_what_to_do(self, exporter: Exporter) -> None:
        exporter.add({"id": 1}, {"id": 2, "name": "bad"}, {"id": 3})
        exporter.run()
        hold = exporter.gate()
        assert hold is not None
        assert hold.message.startswith(
            "Paused: stream accounts stopped at key=2 (changed 2026-01-01T00:02:00Z). "
            "FIELD_CUSTOM_VALIDATION_EXCEPTION [Name]: This name is not welcome. Attempt 1 since "
        )
        assert "1 changed rows wait behind it." in hold.message
        assert hold.message.endswith(
            "Correct the record or the rule in Salesforce, or set pause_on_export_errors to off."
        )
        assert exporter.errors()[0]["holding"] is True

    @pytest.mark.fault("C2")
    def test_the_next_run_tries_the_held_record_alone_with_one_call(self, exporter: Exporter) -> None:
        exporter.add({"id": 1}, {"id": 2, "name": "bad"})
        exporter.add_many(10, 400)
        exporter.run()
        exporter.gate()
        before = exporter.last_call()
        report = exporter.run()
        assert report.outcome is Outcome.HELD
        [call] = exporter.calls(before)
        assert call["body"].count('"attributes"') == 1
        [error] = exporter.errors()
        assert error["attempts"] == 2

    @pytest.mark.fault("C3")
    def test_after_the_fix_in_salesforce_the_run_goes_on_from_the_record(self, exporter: Exporter) -> None:
        exporter.add({"id": 1}, {"id": 2, "name": "bad"}, {"id": 3}, {"id": 4})
        exporter.run()
        exporter.gate()
        exporter.control.switch_rule("no_bad_names", active=False)
        report = exporter.run()
        assert report.outcome is Outcome.COMPLETE
        assert exporter.gate() is None
        assert exporter.watermark() == "4"
        [error] = exporter.errors()
        assert (error["status"], error["resolved_by"], error["holding"]) == ("resolved", "CRMExport", False)
        for key in ("A1", "A2", "A3", "A4"):
            assert len(exporter.control.history("Account", key)) == 1

    @pytest.mark.fault("C4")
    def test_a_fix_at_the_source_ends_the_hold(self, exporter: Exporter) -> None:
        exporter.add({"id": 1, "name": "bad"}, {"id": 2})
        exporter.run()
        exporter.gate()
        exporter.change(1, 9, name="good")
        assert exporter.run().outcome is Outcome.COMPLETE
        assert exporter.errors()[0]["status"] == "resolved"
        assert exporter.names() == {"A1": "good", "A2": "Account 2"}

    @pytest.mark.fault("C5")
    def test_a_row_that_is_gone_ends_the_hold(self, exporter: Exporter) -> None:
        exporter.add({"id": 1, "name": "bad"}, {"id": 2})
        exporter.run()
        exporter.gate()
        exporter.connection.execute("delete from app.accounts where id = 1")
        assert exporter.run().outcome is Outcome.COMPLETE
        [error] = exporter.errors()
        assert (error["status"], error["resolved_by"]) == ("resolved", "source_deleted")
        assert exporter.gate() is None

    @pytest.mark.fault("C6")
    def test_the_first_record_of_a_stream_can_hold_it(self, exporter: Exporter) -> None:
        exporter.add({"id": 1, "name": "bad"}, {"id": 2})
        assert exporter.run().outcome is Outcome.HELD
        assert exporter.watermark() is None
        assert exporter.names() == {}

    @pytest.mark.fault("C7")
    def test_the_last_record_of_a_stream_can_hold_it(self, exporter: Exporter) -> None:
        exporter.add({"id": 1}, {"id": 2, "name": "bad"})
        assert exporter.run().outcome is Outcome.HELD
        assert exporter.watermark() == "1"

    def test_every_rejection_that_was_seen_is_recorded_once(self, exporter: Exporter) -> None:
        exporter.add({"id": 1}, {"id": 2, "name": "bad"}, {"id": 3, "name": "bad"}, {"id": 4, "kind": "Z"})
        exporter.run()
        exporter.run()
        assert [error["record_key"] for error in exporter.errors()] == ["2", "3", "4"]
        assert exporter.watermark() == "1"

    def test_an_operators_decision_to_go_on_without_a_record_ends_the_hold(self, exporter: Exporter) -> None:
        exporter.add({"id": 1, "name": "bad"}, {"id": 2})
        exporter.run()
        exporter.gate()
        exporter.connection.execute("update crm_export.ExportErrors set status = 'set_aside'")
        assert exporter.gate() is None
        assert exporter.run().outcome is Outcome.COMPLETE
        assert exporter.names() == {"A2": "Account 2"}
        assert exporter.watermark() == "2"
        assert exporter.errors()[0]["status"] == "set_aside"


class TestTheSettingIsOff:
    @pytest.mark.fault("C9")
    def test_rejected_records_are_passed_over_up_to_the_newest(self, exporter: Exporter) -> None:
        exporter.add({"id": 1}, {"id": 2, "name": "bad"}, {"id": 3, "kind": "Z"}, {"id": 4})
        report = exporter.run(pause=False)
        assert (report.outcome, report.accepted, report.rejected) == (Outcome.COMPLETE, 2, 2)
        assert exporter.watermark() == "4"
        assert exporter.names() == {"A1": "Account 1", "A4": "Account 4"}
        assert [error["record_key"] for error in exporter.errors("status = 'open'")] == ["2", "3"]
        assert exporter.gate(pause=False) is None

    def test_off_while_held_passes_over_the_record_which_stays_open(self, exporter: Exporter) -> None:
        exporter.add({"id": 1}, {"id": 2, "name": "bad"}, {"id": 3})
        exporter.run()
        exporter.gate()
        assert exporter.run(pause=False).outcome is Outcome.COMPLETE
        assert exporter.watermark() == "3"
        assert exporter.gate(pause=False) is None
        assert [error["status"] for error in exporter.errors()] == ["open"]

    def test_on_again_does_not_rewind_and_new_errors_hold(self, exporter: Exporter) -> None:
        exporter.add({"id": 1, "name": "bad"}, {"id": 2})
        exporter.run(pause=False)
        before = exporter.last_call()
        assert exporter.run(pause=True).outcome is Outcome.COMPLETE
        assert exporter.calls(before) == []
        exporter.add({"id": 3, "name": "bad"})
        assert exporter.run(pause=True).outcome is Outcome.HELD
        assert exporter.watermark() == "2"


class TestDailyReexport:
    @pytest.mark.fault("E3", "E4")
    def test_it_resolves_what_has_healed_and_keeps_the_rest(self, exporter: Exporter) -> None:
        exporter.add({"id": 1, "name": "bad"}, {"id": 2, "kind": "Z"}, {"id": 3})
        exporter.run(pause=False)
        exporter.control.switch_rule("no_bad_names", active=False)
        report = exporter.reexport()
        assert (report.tried, report.exported, report.still_rejected) == (2, 1, 1)
        first, second = exporter.errors()
        assert (first["status"], first["resolved_by"]) == ("resolved", "CRMExport")
        assert (second["status"], second["attempts"], second["reexports"]) == ("open", 2, 1)
        assert exporter.names()["A1"] == "bad"

    @pytest.mark.fault("E4")
    def test_attempts_space_out(self, exporter: Exporter) -> None:
        exporter.add({"id": 1, "name": "bad"})
        exporter.run(pause=False)
        exporter.reexport()
        assert exporter.reexport().tried == 0
        assert exporter.reexport(every=True).tried == 1

    @pytest.mark.fault("E2")
    def test_it_sends_todays_values_and_leaves_newer_versions_to_the_export(self, exporter: Exporter) -> None:
        exporter.add({"id": 1, "name": "bad"}, {"id": 2, "name": "bad"}, {"id": 3})
        exporter.run(pause=False)
        exporter.change(1, 50, name="new")
        exporter.connection.execute("update app.accounts set name = 'mended' where id = 2")
        report = exporter.reexport()
        assert (report.tried, report.exported, report.left_to_export) == (1, 1, 1)
        assert exporter.names() == {"A2": "mended", "A3": "Account 3"}
        exporter.run(pause=False)
        assert exporter.names()["A1"] == "new"
        assert [error["status"] for error in exporter.errors()] == ["resolved", "resolved"]

    @pytest.mark.fault("E5")
    def test_a_row_that_is_gone_is_resolved_without_a_call(self, exporter: Exporter) -> None:
        exporter.add({"id": 1, "name": "bad"}, {"id": 2})
        exporter.run(pause=False)
        exporter.connection.execute("delete from app.accounts where id = 1")
        before = exporter.last_call()
        assert exporter.reexport().gone == 1
        assert exporter.calls(before) == []
        assert exporter.errors()[0]["resolved_by"] == "source_deleted"

    def test_it_does_not_touch_a_held_record(self, exporter: Exporter) -> None:
        exporter.add({"id": 1}, {"id": 2, "name": "bad"}, {"id": 3})
        exporter.run()
        exporter.gate()
        report = exporter.reexport()
        assert (report.tried, report.left_to_export) == (0, 1)
        assert exporter.errors()[0]["holding"] is True


class TestParents:
    @pytest.fixture
    def contacts(self, exporter: Exporter) -> Stream:
        exporter.connection.execute(
            "insert into app.contacts values ('c1', 'C1', 'Ada', 'A1', '2026-01-01'),"
            " ('c2', 'C2', 'Bob', 'A2', '2026-01-02'), ('c3', 'C3', 'Cid', null, '2026-01-03')"
        )
        return Stream(**CONTACTS)

    def test_children_of_a_rejected_parent_wait_and_are_released_together(
        self, exporter: Exporter, contacts: Stream
    ) -> None:
        exporter.add({"id": 1}, {"id": 2, "name": "bad"})
        exporter.run(pause=False)
        accounts, exporter.stream = exporter.stream, contacts
        exporter.run(pause=False)
        assert exporter.names("Contact") == {"C1": "Ada", "C3": "Cid"}
        [waiting] = exporter.errors("status = 'waiting'")
        assert waiting["record_key"] == "c2"
        assert exporter.reexport().waiting == 1
        exporter.stream = accounts
        exporter.control.switch_rule("no_bad_names", active=False)
        exporter.reexport()
        exporter.stream = contacts
        exporter.run(pause=False)
        assert exporter.names("Contact") == {"C1": "Ada", "C2": "Bob", "C3": "Cid"}
        assert exporter.errors("status <> 'resolved'") == []

    def test_a_waiting_child_holds_its_stream_but_is_not_probed(self, exporter: Exporter, contacts: Stream) -> None:
        exporter.add({"id": 1}, {"id": 2, "name": "bad"})
        exporter.run(pause=False)
        exporter.stream = contacts
        assert exporter.run().outcome is Outcome.HELD
        hold = exporter.gate()
        assert hold is not None
        assert "waits for its parent, key=2 of stream accounts" in hold.message
        before = exporter.last_call()
        assert exporter.run().outcome is Outcome.HELD
        assert exporter.calls(before) == []


class TestDeletes:
    def test_a_soft_deleted_row_is_deleted_in_salesforce(self, exporter: Exporter) -> None:
        exporter.add({"id": 1}, {"id": 2})
        exporter.run()
        exporter.change(1, 9, deleted_at="2026-01-01T00:09:00Z")
        assert exporter.run().accepted == 1
        assert exporter.names() == {"A2": "Account 2"}
        exporter.change(1, 11)
        assert exporter.run().accepted == 1

    def test_a_deleted_row_does_not_delete_the_record_of_its_successor(self, exporter: Exporter) -> None:
        exporter.add({"id": 1, "ext": "X"})
        exporter.run()
        exporter.change(1, 9, deleted_at="2026-01-01T00:09:00Z")
        exporter.add({"id": 2, "ext": "X", "name": "successor", "minute": 8})
        exporter.run()
        assert exporter.names() == {"X": "successor"}


class TestValues:
    def test_null_and_the_empty_text_clear_a_field(self, exporter: Exporter) -> None:
        exporter.add({"id": 1, "kind": "A", "amount": 3, "notes": "x"})
        exporter.run()
        exporter.change(1, 9, kind=None, amount=None, notes="")
        exporter.run()
        [record] = exporter.control.records("Account")
        assert [record["fields"][name] for name in ("Kind__c", "Amount__c", "Notes__c")] == [None, None, None]

    @pytest.mark.parametrize(
        "text", ['say "hi"\\', "line\nbreak\r\n\ttab", "漢字 ë 🙂", "#N/A", "</script>", "x" * 32_000]
    )
    def test_texts_arrive_as_they_are(self, exporter: Exporter, text: str) -> None:
        exporter.add({"id": 1, "notes": text})
        exporter.run()
        assert exporter.control.records("Account")[0]["fields"]["Notes__c"] == text

    @pytest.mark.parametrize(
        ("values", "code"),
        [
            ({"ext": None}, "CRM_EXPORT_BLANK_EXTERNAL_ID"),
            ({"ext": "  "}, "CRM_EXPORT_BLANK_EXTERNAL_ID"),
            ({"amount": "NaN"}, "CRM_EXPORT_VALUE_NOT_SENDABLE"),
            ({"notes": "x" * 131_073}, "CRM_EXPORT_VALUE_TOO_LONG"),
        ],
    )
    def test_what_cannot_be_sent_is_an_export_error_and_no_call(
        self, exporter: Exporter, values: dict[str, object], code: str
    ) -> None:
        exporter.add({"id": 1} | values, {"id": 2})
        report = exporter.run(pause=False)
        assert report.rejected == 1
        [error] = exporter.errors()
        assert error["error_code"] == code
        assert exporter.names() == {"A2": "Account 2"}
        assert "NaN" not in "".join(call["body"] for call in exporter.calls())

    def test_two_live_rows_with_one_external_id_are_both_rejected(self, exporter: Exporter) -> None:
        exporter.add({"id": 1, "ext": "X"}, {"id": 2}, {"id": 3, "ext": "X"})
        exporter.run(pause=False)
        assert exporter.names() == {"A2": "Account 2"}
        assert {error["error_code"] for error in exporter.errors()} == {"CRM_EXPORT_EXTERNAL_ID_CONFLICT"}
        assert len(exporter.errors()) == 2


class TestUpdateOnly:
    def test_update_changes_known_records_and_never_creates(self, exporter: Exporter) -> None:
        exporter.control.add_records("Account", [{"Name": "old", "Ext__c": "A1"}])
        exporter.stream = make_stream(operation="update", deleted=None)
        exporter.add({"id": 1, "name": "new"}, {"id": 2})
        exporter.run(pause=False)
        assert exporter.names() == {"A1": "new"}
        assert [error["error_code"] for error in exporter.errors()] == ["CRM_EXPORT_RECORD_NOT_FOUND"]


class TestTransientRejections:
    @pytest.mark.fault("C12")
    def test_a_lock_that_clears_leaves_no_error_and_no_hold(self, exporter: Exporter) -> None:
        exporter.add({"id": 1}, {"id": 2, "name": "locked"}, {"id": 3})
        assert exporter.run().outcome is Outcome.COMPLETE
        assert exporter.errors() == []
        assert len(exporter.names()) == 3

    def test_a_lock_inside_a_flow_message_is_transient(self, exporter: Exporter) -> None:
        exporter.add({"id": 1, "name": "flow"})
        assert exporter.run(pause=False).outcome is Outcome.COMPLETE
        assert exporter.errors() == []

    def test_a_lock_that_stays_is_recorded(self, exporter: Exporter) -> None:
        exporter.add({"id": 1, "name": "always locked"}, {"id": 2})
        assert exporter.run(pause=False).rejected == 1
        assert exporter.errors()[0]["error_class"] == "transient"
        assert exporter.names() == {"A2": "Account 2"}

    @pytest.mark.parametrize("pause", [True, False])
    def test_a_limit_counted_per_request_is_met_by_smaller_requests(self, exporter: Exporter, pause: bool) -> None:
        exporter.add({"id": 1})
        exporter.run()
        exporter.control.switch_rule("slow_trigger", active=True)
        exporter.connection.execute(
            "insert into app.contacts select 'c' || n, 'C' || n, 'N' || n, 'A1', '2026-01-01'"
            " from generate_series(1, 20) n"
        )
        exporter.stream = Stream(**CONTACTS)
        assert exporter.run(pause=pause).outcome is Outcome.COMPLETE
        assert len(exporter.names("Contact")) == 20
        assert exporter.errors() == []


def test_the_daily_api_limit_ends_a_run_as_waiting_for_credits(exporter: Exporter) -> None:
    exporter.add_many(1, 60)
    report = exporter.run(daily_api_limit=2, batch_size=25)
    assert report.outcome is Outcome.WAITING_FOR_CREDITS
    assert exporter.watermark() == "25"


def test_counts_of_the_ledger_agree(exporter: Exporter) -> None:
    exporter.add({"id": 1}, {"id": 2, "name": "bad"}, {"id": 3})
    exporter.run()
    rows = exporter.connection.execute(
        "select state, sent, accepted, refused, unprocessed from crm_export.ExportBatches order by id"
    ).fetchall()
    assert rows == [("SETTLED", 3, 1, 1, 1)]
    left = exporter.connection.execute("select count(*) from crm_export.ExportBatchRows").fetchone()
    assert left == (0,)

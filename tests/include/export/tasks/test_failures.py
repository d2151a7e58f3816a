"""Run failures: they raise one message that names what and where, write no export error and move no watermark."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import psycopg
import pytest
import requests

from exporter import Exporter, make_stream
from include.export.failures import (
    CircuitFailure,
    ConfigurationFailure,
    HorizonFailure,
    LeaseLost,
    LoginFailure,
    QuotaFailure,
    RunFailure,
    SalesforceFailure,
    SourceFailure,
)
from include.export.ledger.runs import Outcome
from include.export.salesforce.client import OrgSession
from local_stack.postgres import EmbeddedPostgres

PATCH = {"method": "PATCH", "path_regex": "composite"}


def expect_failure(exporter: Exporter, kind: type[RunFailure], *words: str, pause: bool = True) -> str:
    """Run the export, expect a failure with some words, and check that nothing else changed."""
    before = exporter.watermark()
    with pytest.raises(kind) as caught:
        exporter.run(pause=pause)
    message = str(caught.value)
    for word in words:
        assert word in message
    assert "Traceback" not in message
    assert exporter.errors() == []
    assert exporter.watermark() == before
    return message


class TestWrongStreams:
    def test_a_missing_table_is_named(self, exporter: Exporter) -> None:
        exporter.stream = make_stream(source="app.nowhere")
        expect_failure(exporter, ConfigurationFailure, "app.nowhere does not exist", "accounts.yaml")

    @pytest.mark.fault("A16")
    def test_a_missing_column_is_named_with_those_there_are(self, exporter: Exporter) -> None:
        exporter.stream = make_stream(fields={"Ext__c": "ext", "Name": "nmae"})
        expect_failure(exporter, ConfigurationFailure, "fields.Name names column nmae", "name", "accounts.yaml")

    def test_a_cursor_without_time_zone_is_rejected(self, exporter: Exporter) -> None:
        exporter.stream = make_stream(cursor="name")
        expect_failure(exporter, ConfigurationFailure, "cursor name has type text", "timestamp with time zone")

    def test_a_type_that_salesforce_has_no_form_for_is_rejected(self, exporter: Exporter) -> None:
        exporter.connection.execute("alter table app.accounts add tags text[]")
        exporter.stream = make_stream(fields={"Ext__c": "ext", "Name": "tags"})
        expect_failure(exporter, ConfigurationFailure, "column tags has type text[]", "Cast it in a view")

    def test_a_missing_grant_is_named(self, exporter: Exporter, connect: Callable[..., psycopg.Connection]) -> None:
        exporter.connection.execute(
            "create role reader login; grant usage on schema crm_export, app to reader;"
            " grant select, insert, update, delete on all tables in schema crm_export to reader;"
            " grant execute on function crm_export.export_horizon(text[], text[]) to reader"
        )
        try:
            exporter.add({"id": 1})
            exporter.connection = connect(user="reader")
            expect_failure(exporter, ConfigurationFailure, "permission denied", "accounts", "SELECT")
        finally:
            owner = connect()
            owner.execute("drop owned by reader; drop role reader")

    def test_an_unknown_object_is_named(self, exporter: Exporter) -> None:
        exporter.add({"id": 1})
        exporter.stream = make_stream(object="Acount")
        expect_failure(exporter, ConfigurationFailure, "Acount", "404")

    def test_an_unknown_field_is_named_with_one_that_is_near(self, exporter: Exporter) -> None:
        exporter.add({"id": 1})
        exporter.stream = make_stream(fields={"Ext__c": "ext", "Nmae": "name"})
        expect_failure(exporter, ConfigurationFailure, "fields names Nmae", "Did you mean Name?")

    def test_a_field_hidden_by_field_level_security_is_named(self, exporter: Exporter) -> None:
        exporter.add({"id": 1})
        exporter.stream = make_stream(fields={"Ext__c": "ext", "Secret__c": "name"})
        expect_failure(exporter, ConfigurationFailure, "Secret__c", "field-level security")

    def test_a_read_only_field_is_named(self, exporter: Exporter) -> None:
        exporter.add({"id": 1})
        exporter.stream = make_stream(fields={"Ext__c": "ext", "Formula__c": "name"})
        expect_failure(exporter, ConfigurationFailure, "Account.Formula__c", "Grant edit access")

    def test_an_external_id_that_is_none_is_named(self, exporter: Exporter) -> None:
        exporter.add({"id": 1})
        exporter.stream = make_stream(external_id="Plain__c", fields={"Plain__c": "ext", "Name": "name"})
        expect_failure(exporter, ConfigurationFailure, "Plain__c", "not marked External ID")

    def test_a_field_that_disappears_after_it_was_described_stops_the_run(self, exporter: Exporter) -> None:
        exporter.add({"id": 1})
        exporter.run()
        exporter.control.change_field("Account", "Notes__c", hidden=True)
        exporter.add({"id": 2})
        expect_failure(exporter, CircuitFailure, "No such column 'Notes__c'", pause=False)
        expect_failure(exporter, ConfigurationFailure, "fields names Notes__c", pause=False)
        exporter.control.change_field("Account", "Notes__c", hidden=False)
        assert exporter.run().outcome is Outcome.COMPLETE


class TestReadingExactly:
    @pytest.mark.fault("A1")
    def test_rows_of_an_open_transaction_are_exported_by_the_next_run(
        self, exporter: Exporter, connect: Callable[..., psycopg.Connection]
    ) -> None:
        exporter.add({"id": 1})
        writer = connect("application")
        with writer.transaction():
            writer.execute("insert into app.accounts (id, ext, name, changed_at) values (2, 'A2', 'late', now())")
            exporter.connection.execute(
                "insert into app.accounts (id, ext, name, changed_at) values (3, 'A3', 'newer', now())"
            )
            assert exporter.run().rows_changed == 1
        assert exporter.watermark() == "1"
        exporter.connection.execute(
            "update app.accounts set changed_at = changed_at - interval '10 seconds' where id > 1"
        )
        assert exporter.run().rows_changed == 2
        assert len(exporter.names()) == 3
        assert exporter.errors() == []

    @pytest.mark.fault("A6")
    def test_a_prepared_transaction_is_named(
        self, exporter: Exporter, connect: Callable[..., psycopg.Connection]
    ) -> None:
        exporter.add({"id": 1})
        writer = connect("application")
        writer.execute("begin; select pg_current_xact_id(); prepare transaction 'unfinished'")
        try:
            expect_failure(exporter, HorizonFailure, "prepared transaction unfinished", "rollback prepared")
        finally:
            writer.execute("rollback prepared 'unfinished'")
        assert exporter.run().outcome is Outcome.COMPLETE

    @pytest.mark.fault("A8")
    def test_a_function_that_cannot_see_other_sessions_is_rejected(
        self, exporter: Exporter, connect: Callable[..., psycopg.Connection]
    ) -> None:
        exporter.add({"id": 1})
        exporter.connection.execute(
            "create role blind; alter function crm_export.export_horizon(text[], text[]) owner to blind"
        )
        try:
            expect_failure(exporter, HorizonFailure, "cannot see other sessions", "grant pg_read_all_stats to blind")
        finally:
            exporter.connection.execute("drop owned by blind; drop role blind")

    @pytest.mark.fault("A9")
    def test_a_standby_is_rejected(self, exporter: Exporter) -> None:
        exporter.add({"id": 1})
        # the answer of a standby; a real one needs a second server
        definition = exporter.connection.execute(
            "select pg_get_functiondef('crm_export.export_horizon(text[], text[])'::regprocedure)"
        ).fetchone()
        assert definition is not None
        exporter.connection.execute(definition[0].replace("pg_is_in_recovery()", "true"))
        expect_failure(exporter, HorizonFailure, "is a standby", "Let postgres_default connect to the primary")

    @pytest.mark.fault("A11")
    def test_rows_without_a_change_time_or_with_a_future_one_are_counted_and_reported(
        self, exporter: Exporter, caplog: pytest.LogCaptureFixture
    ) -> None:
        exporter.connection.execute("alter table app.accounts alter changed_at drop not null")
        exporter.connection.execute(
            "insert into app.accounts values (1, 'A1', 'x', null, null, null, null),"
            " (2, 'A2', 'x', null, null, null, 'infinity'), (3, 'A3', 'x', null, null, null, '2026-01-01')"
        )
        assert exporter.run().accepted == 1
        assert "1 rows have no changed_at and 1 have one in the future" in caplog.text


class TestSalesforceFails:
    def test_a_wrong_credential_is_one_login_and_a_message(self, exporter: Exporter) -> None:
        exporter.add({"id": 1})

        def reject() -> OrgSession:
            raise LoginFailure("Salesforce rejected the login of connection salesforce_default: invalid_client")

        exporter.login = reject  # type: ignore[method-assign] # the operator's translation is tested with the DAGs
        expect_failure(exporter, LoginFailure, "salesforce_default")

    @pytest.mark.parametrize("pause", [True, False])
    @pytest.mark.parametrize(
        ("answer", "kind"),
        [
            ({"status": 503, "body": "<html>Down for maintenance</html>"}, SalesforceFailure),
            ({"status": 500, "body": '[{"errorCode":"UNKNOWN_EXCEPTION","message":"ErrorId: 1"}]'}, SalesforceFailure),
            ({"status": 429, "headers": {"Retry-After": "0"}, "body": "[]"}, SalesforceFailure),
            (
                {"status": 403, "body": '[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"TotalRequests"}]'},
                QuotaFailure,
            ),
            ({"status": 403, "body": '[{"errorCode":"API_DISABLED_FOR_ORG","message":"no"}]'}, ConfigurationFailure),
            ({"status": 302, "headers": {"Location": "https://evil.example/"}, "body": ""}, ConfigurationFailure),
            ({"status": 200, "body": "<html>Log in</html>"}, SalesforceFailure),
            ({"status": 200, "body": ""}, SalesforceFailure),
            ({"status": 200, "body": "[]"}, SalesforceFailure),
            ({"status": 200, "body": '{"not": "a list"}'}, SalesforceFailure),
            ({"status": 200, "body": '[{"success": false, "errors": []}]'}, SalesforceFailure),
        ],
    )
    def test_no_system_fault_makes_an_export_error_or_moves_the_watermark(
        self, exporter: Exporter, answer: dict[str, object], kind: type[RunFailure], pause: bool
    ) -> None:
        exporter.add({"id": 1})
        exporter.control.add_fault(match=PATCH, times=5, answer=answer)
        expect_failure(exporter, kind, pause=pause)
        exporter.control.clear_faults()
        assert exporter.run(pause=pause).outcome is Outcome.COMPLETE
        assert exporter.names() == {"A1": "Account 1"}

    def test_an_expired_session_is_renewed_once(self, exporter: Exporter) -> None:
        exporter.add({"id": 1})
        client = exporter.client()
        assert client.session
        exporter.control.expire_sessions()
        exporter.client = lambda: client  # type: ignore[method-assign] # an older session
        assert exporter.run().outcome is Outcome.COMPLETE
        assert exporter.names() == {"A1": "Account 1"}

    @pytest.mark.parametrize("cut", ["before", "after"])
    def test_a_lost_answer_is_asked_for_again_and_makes_no_second_record(self, exporter: Exporter, cut: str) -> None:
        exporter.add({"id": 1}, {"id": 2})
        exporter.control.add_fault(match=PATCH, cut=cut)
        assert exporter.run().outcome is Outcome.COMPLETE
        assert len(exporter.control.records("Account")) == 2

    def test_an_answer_that_never_comes_fails_the_run_and_the_next_goes_on(self, exporter: Exporter) -> None:
        exporter.add({"id": 1})
        exporter.control.add_fault(match=PATCH, times=9, cut="after")
        expect_failure(exporter, SalesforceFailure, "did not answer PATCH")
        exporter.control.clear_faults()
        report = exporter.run()
        assert (report.outcome, report.accepted) == (Outcome.COMPLETE, 1)
        assert len(exporter.control.records("Account")) == 1

    @pytest.mark.fault("C11")
    def test_a_full_org_is_a_run_failure_in_both_modes(self, exporter: Exporter) -> None:
        exporter.add({"id": 1}, {"id": 2})
        exporter.control.switch_rule("full", active=True)
        for pause in (True, False):
            expect_failure(exporter, CircuitFailure, "STORAGE_LIMIT_EXCEEDED", "Free data storage", pause=pause)

    @pytest.mark.parametrize("pause", [True, False])
    @pytest.mark.fault("C10")
    def test_every_record_without_a_right_opens_the_circuit(self, exporter: Exporter, pause: bool) -> None:
        exporter.add_many(1, 30)
        exporter.control.switch_rule("nobody_may", active=True)
        expect_failure(exporter, CircuitFailure, "rejected 25 of 25", "INSUFFICIENT_ACCESS_OR_READONLY", pause=pause)

    def test_two_records_without_a_right_are_record_errors(self, exporter: Exporter) -> None:
        exporter.add({"id": 1, "name": "forbidden"}, {"id": 2, "name": "forbidden"}, {"id": 3})
        report = exporter.run(pause=False)
        assert (report.accepted, report.rejected) == (1, 2)

    def test_more_new_errors_than_the_stream_allows_open_the_circuit(self, exporter: Exporter) -> None:
        exporter.stream = make_stream(max_errors=2)
        exporter.add(*({"id": number, "name": "bad"} for number in (1, 2, 3)))
        expect_failure(exporter, CircuitFailure, "more than 2 records", "max_errors", pause=False)

    @pytest.mark.fault("C10")
    def test_a_validation_rule_that_rejects_every_record_is_passed_over_with_the_setting_off(
        self, exporter: Exporter
    ) -> None:
        exporter.add(*({"id": number, "name": "bad"} for number in range(1, 31)))
        assert exporter.run(pause=False).rejected == 30
        assert exporter.watermark() == "30"

    def test_a_value_that_rejects_the_whole_request_is_found_and_recorded(self, exporter: Exporter) -> None:
        exporter.connection.execute("alter table app.accounts add since text")
        exporter.stream = make_stream(fields={"Ext__c": "ext", "Name": "name", "Since__c": "since"})
        exporter.add({"id": 1}, {"id": 2, "since": "soon"}, {"id": 3})
        assert exporter.run(pause=False).accepted == 2
        [error] = exporter.errors()
        assert (error["record_key"], error["error_code"]) == ("2", "JSON_PARSER_ERROR")

    def test_another_org_behind_the_connection_is_rejected(self, exporter: Exporter) -> None:
        exporter.add({"id": 1})
        exporter.run()
        exporter.connection.execute("update crm_export.ExportWatermarks set organization_id = '00DANOTHER00000'")
        exporter.add({"id": 2})
        expect_failure(
            exporter, ConfigurationFailure, "00DANOTHER00000", "the connection salesforce_default", "--new-org"
        )

    @pytest.mark.fault("B20")
    def test_a_certificate_that_is_not_trusted_is_rejected(
        self, exporter: Exporter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        exporter.add({"id": 1})
        client = exporter.client()
        session = client.session
        monkeypatch.delenv("REQUESTS_CA_BUNDLE")
        fresh = OrgSession(session.instance_url, session.access_token, requests.Session(), session.api_version)
        exporter.login = lambda: fresh  # type: ignore[method-assign] # a session that does not know the CA
        expect_failure(exporter, SalesforceFailure, "SSLError")
        assert "REQUESTS_CA_BUNDLE" not in os.environ


class TestOneWriter:
    @pytest.mark.fault("D1")
    def test_a_second_run_while_one_is_at_work_sends_nothing(
        self, exporter: Exporter, connect: Callable[..., psycopg.Connection]
    ) -> None:
        exporter.add({"id": 1})
        exporter.connection.execute("insert into crm_export.ExportWatermarks (stream) values ('accounts')")
        other = connect()
        alive = (
            "update crm_export.ExportWatermarks set lease_owner = 'other', lease_epoch = lease_epoch + 1,"
            " lease_until = clock_timestamp() + interval '20 seconds'"
        )
        other.execute(alive)
        stop = threading.Event()

        def renew() -> None:
            while not stop.wait(0.1):
                other.execute(alive)

        thread = threading.Thread(target=renew)
        thread.start()
        try:
            assert exporter.run().outcome is Outcome.ALREADY_RUNNING
        finally:
            stop.set()
            thread.join()
        assert exporter.names() == {}

    def test_the_lease_of_a_dead_owner_runs_out(self, exporter: Exporter) -> None:
        exporter.add({"id": 1})
        exporter.connection.execute(
            "insert into crm_export.ExportWatermarks (stream, lease_owner, lease_epoch, lease_until)"
            " values ('accounts', 'dead', 7, clock_timestamp() + interval '0.3 second')"
        )
        assert exporter.run().outcome is Outcome.COMPLETE

    def test_a_process_that_lost_its_lease_commits_and_sends_nothing(
        self, exporter: Exporter, connect: Callable[..., psycopg.Connection]
    ) -> None:
        exporter.add_many(1, 60)
        other = connect()
        client = exporter.client()
        exporter.client = lambda: client  # type: ignore[method-assign] # to look at its calls
        original = exporter.login

        def lose_lease_then_log_in() -> OrgSession:
            other.execute("update crm_export.ExportWatermarks set lease_epoch = lease_epoch + 1")
            return original()

        client.login = lose_lease_then_log_in
        with pytest.raises(LeaseLost, match="another process has taken over"):
            exporter.run()
        assert exporter.names() == {}
        assert exporter.watermark() is None

    def test_a_batch_that_was_never_settled_is_sent_again(
        self, exporter: Exporter, caplog: pytest.LogCaptureFixture
    ) -> None:
        exporter.add({"id": 1}, {"id": 2})
        exporter.control.add_fault(match=PATCH, times=9, cut="after")
        with pytest.raises(SalesforceFailure):
            exporter.run()
        exporter.control.clear_faults()
        exporter.change(1, 9, name="newer")
        assert exporter.run().outcome is Outcome.COMPLETE
        assert "1 batch(es) of an earlier run were not settled" in caplog.text
        assert exporter.names() == {"A1": "newer", "A2": "Account 2"}
        states = exporter.connection.execute("select state from crm_export.ExportBatches order by id").fetchall()
        assert [state for (state,) in states] == ["ABANDONED", "SETTLED"]

    @pytest.mark.fault("D5")
    def test_postgres_gone_in_the_middle_is_a_source_failure(
        self, exporter: Exporter, connect: Callable[..., psycopg.Connection], postgres: EmbeddedPostgres
    ) -> None:
        exporter.add({"id": 1})
        victim, killer = exporter.connection, connect()
        original = exporter.login

        def cut_connection() -> OrgSession:
            killer.execute("select pg_terminate_backend(%s)", [victim.info.backend_pid])
            return original()

        exporter.login = cut_connection  # type: ignore[method-assign] # the moment between T1 and the first call
        with pytest.raises(SourceFailure, match="Postgres answered"):
            exporter.run()
        assert exporter.calls() == []
        exporter.login, exporter.connection = original, killer  # type: ignore[method-assign] # as before
        exporter.connection.execute("update crm_export.ExportWatermarks set lease_until = null")
        assert exporter.run().outcome is Outcome.COMPLETE

"""Resends of ranges, keys and whole streams: the watermark never moves, even after kills."""

from __future__ import annotations

from typing import Any

import pytest

from exporter import Exporter, make_stream
from include.export.ledger import ExportAlerts, ExportResends, ListedResend, Outcome, count_calls_of_the_day
from include.export.reports import preview_resend
from include.export.run.context import RunContext


class Killed(BaseException):
    """Represents the end of the process."""


def ask(exporter: Exporter, **wanted: Any) -> int:
    return ExportResends(exporter.connection).ask("accounts", asked_by="olga", reason="a new field", **wanted)


def sent_keys(exporter: Exporter, since: int) -> list[str]:
    """Return the external ids sent to Salesforce after a number of writes."""
    return [write["fields"]["Ext__c"] for write in exporter.control.writes("Account")][since:]


@pytest.fixture
def exported(exporter: Exporter) -> Exporter:
    """Return an exporter with 40 exported accounts, one per minute."""
    for number in range(1, 41):
        exporter.add({"id": number})
    assert exporter.run().outcome is Outcome.COMPLETE
    return exporter


def test_a_whole_stream_is_sent_again_in_order_and_the_watermark_stays(exported: Exporter) -> None:
    ask(exported)
    report = exported.run()
    assert report.outcome is Outcome.COMPLETE
    assert sent_keys(exported, 40) == [f"A{number}" for number in range(1, 41)]
    assert exported.watermark() == "40"
    assert exported.run().rows_sent == 0, "a resend that is finished is finished"


def test_a_range_of_change_times_is_sent_again_with_both_ends(exported: Exporter) -> None:
    ask(exported, from_at="2026-01-01T00:10:00Z", to_at="2026-01-01T00:12:00Z")
    exported.run()
    assert sent_keys(exported, 40) == ["A10", "A11", "A12"]


def test_one_record_is_sent_again(exported: Exporter) -> None:
    ask(exported, key="7")
    exported.run()
    assert sent_keys(exported, 40) == ["A7"]


def test_a_large_stream_is_sent_again_by_bulk_jobs(exporter: Exporter) -> None:
    exporter.stream = exporter.stream.model_copy(update={"bulk_from": 50, "bulk_from_paused": 50})
    exporter.options |= {"poll_delays": (0.02, 0.05)}
    exporter.add_many(1, 400)
    exporter.run(pause=False)
    ask(exporter)
    before = exporter.last_call()
    assert exporter.run(pause=False).outcome is Outcome.COMPLETE
    assert any("jobs/ingest" in call["path"] for call in exporter.calls(before))
    assert sorted(sent_keys(exporter, 400)) == sorted(f"A{number}" for number in range(1, 401))
    assert exporter.watermark() == "400"


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_a_kill_at_any_batch_goes_on_from_there(
    exported: Exporter, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    settle, settled = RunContext.settle, 0

    def settle_or_die(self: RunContext, *given: Any, **named: Any) -> None:
        nonlocal settled
        settled += 1
        if settled == batch:
            raise Killed
        settle(self, *given, **named)

    ask(exported)
    with monkeypatch.context() as patched:
        patched.setattr(RunContext, "settle", settle_or_die)
        with pytest.raises(Killed):
            exported.run(batch_size=10, requests_in_flight=1)
    assert exported.watermark() == "40"
    exported.run(batch_size=10)
    assert set(sent_keys(exported, 40)) == {f"A{number}" for number in range(1, 41)}
    assert len(sent_keys(exported, 40)) <= 50, "at most the batch that was not settled is sent twice"
    assert exported.watermark() == "40"


def test_without_api_calls_it_continues_the_next_day(exported: Exporter) -> None:
    ask(exported)
    exported.run(batch_size=10, daily_api_limit=1)
    assert len(sent_keys(exported, 40)) < 40
    exported.run(batch_size=10)
    assert set(sent_keys(exported, 40)) == {f"A{number}" for number in range(1, 41)}


@pytest.mark.parametrize("pause", [True, False])
def test_a_rejected_record_is_an_export_error_and_holds_nothing(exported: Exporter, pause: bool) -> None:
    exported.connection.execute("update app.accounts set kind = 'Nonsense' where id = 5")
    ask(exported)
    assert exported.run(pause=pause).outcome is Outcome.COMPLETE
    assert [error["record_key"] for error in exported.errors("status = 'open'")] == ["5"]
    assert exported.gate(pause=pause) is None
    exported.connection.execute("update app.accounts set kind = null where id = 5")
    assert exported.reexport(every=True).exported == 1


def test_a_held_stream_resends_once_its_hold_is_over(exported: Exporter) -> None:
    exported.add({"id": 41, "kind": "Nonsense"})
    ask(exported, key="7")
    assert exported.run().outcome is Outcome.HELD
    assert "A7" not in sent_keys(exported, 40)
    exported.change(41, 50, kind=None)
    assert exported.run().outcome is Outcome.COMPLETE
    assert "A7" in sent_keys(exported, 40)


def test_it_is_audited(exported: Exporter) -> None:
    ask(exported, from_at="2026-01-01T00:10:00Z")
    row = exported.connection.execute("select actor, action, reason, selection from crm_export.ExportAudit").fetchone()
    assert row == ("olga", "resend", "a new field", "accounts from 2026-01-01 00:10:00+00")


def test_another_org_gets_everything_from_the_beginning(exported: Exporter) -> None:
    assert ExportResends(exported.connection).begin_new_org("accounts", asked_by="olga", reason="sandbox refresh")
    assert exported.watermark() is None
    assert exported.run().rows_sent == 40


def test_the_counts_of_the_run_include_it_once(exported: Exporter) -> None:
    ask(exported)
    report = exported.run()
    assert (report.rows_sent, report.accepted) == (40, 40)
    calls = exported.connection.execute(
        "select api_calls from crm_export.ExportRuns order by id desc limit 1"
    ).fetchone()
    assert calls == (report.api_calls,)


def test_a_new_field_sends_everything_again_where_the_stream_asks_for_it(exported: Exporter) -> None:
    exported.stream = make_stream(on_new_field="resend", fields={**exported.stream.fields, "Plain__c": "notes"})
    exported.run()
    assert set(sent_keys(exported, 40)) == {f"A{number}" for number in range(1, 41)}
    assert exported.run().rows_sent == 0, "it is asked for once"


def list_one(exporter: Exporter) -> ListedResend:
    return ExportResends(exporter.connection).list_recent("accounts", 1)[0]


def test_its_progress_is_counted_in_rows(exported: Exporter) -> None:
    ask(exported, rows=40)
    assert (list_one(exported).state, list_one(exported).rows_sent) == ("queued", 0)
    exported.run(batch_size=10, daily_api_limit=count_calls_of_the_day(exported.connection) + 2)
    found = list_one(exported)
    assert found.state == "waiting"
    assert 0 < found.rows_sent < 40
    exported.run()
    found = list_one(exported)
    assert (found.state, found.rows_sent, found.rows_total) == ("done", 40, 40)
    ask(exported, key="7", rows=1)
    exported.run()
    assert (list_one(exported).state, list_one(exported).rows_sent) == ("done", 1)


def test_rows_of_bulk_jobs_are_counted_too(exporter: Exporter) -> None:
    exporter.stream = exporter.stream.model_copy(update={"bulk_from": 50, "bulk_from_paused": 50})
    exporter.options |= {"poll_delays": (0.02, 0.05)}
    exporter.add_many(1, 400)
    exporter.run(pause=False)
    ask(exporter, rows=400)
    exporter.run(pause=False)
    assert (list_one(exporter).state, list_one(exporter).rows_sent) == ("done", 400)


def test_a_new_field_is_an_alert_until_the_stream_was_sent_again(exported: Exporter) -> None:
    alerts = ExportAlerts(exported.connection)
    exported.stream = make_stream(fields={**exported.stream.fields, "Plain__c": "notes"})
    exported.add({"id": 41})
    exported.run()
    [alert] = alerts.list_page(10)
    assert (alert.kind, alert.subject, alert.severity) == ("new_field", "Plain__c", "warning")
    ask(exported, key="7")
    exported.run()
    assert len(alerts.list_page(10)) == 2, "one record is not the stream; the other line is the audit's"
    ask(exported)
    exported.run()
    assert {alert.kind for alert in alerts.list_page(10)} == {"audit"}


def test_a_field_that_is_taken_away_again_is_no_alert(exported: Exporter) -> None:
    before = exported.stream
    exported.stream = make_stream(fields={**before.fields, "Plain__c": "notes"})
    exported.add({"id": 41})
    exported.run()
    assert len(ExportAlerts(exported.connection).list_page(10)) == 1
    exported.stream = before
    exported.add({"id": 44})
    exported.run()
    assert ExportAlerts(exported.connection).list_page(10) == []


def test_a_preview_names_the_keys_that_no_exported_row_has(exported: Exporter) -> None:
    found = preview_resend(exported.stream, exported.connection, keys=["7", "8", "nonsense", "99"])
    assert (found.rows, found.api_calls, found.missing) == (2, 2, ["nonsense", "99"])


def test_a_preview_estimates_what_takes_too_long_to_count(exported: Exporter) -> None:
    exported.connection.execute(
        "create function app.slow(text) returns text language sql as 'select pg_sleep(1)::text'"
    )
    exported.connection.execute(
        "create view app.slow_accounts as select * from app.accounts where app.slow(name) is not null"
    )
    stream = exported.stream.model_copy(update={"source": "app.slow_accounts"})
    exported.connection.execute("set statement_timeout = '300ms'")
    found = preview_resend(stream, exported.connection)
    assert not found.exact
    assert found.rows > 0

"""Alerts: once per change of state, with end and reminders, even when processes are killed or channels are down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import psycopg
import pytest

from exporter import Exporter, make_stream
from include.export.alerts import AlertMessage, AlertSender, AlertsFile, AlertWatch, Channel, ChannelFailure
from include.export.alerts.channels import Language
from include.export.failures import LoginFailure
from include.export.inspection import report_drift
from include.export.ledger import ExportAlerts, ExportErrors
from include.export.ledger.findings import ExportFindings
from include.export.ledger.runs import Outcome, RunEntry
from include.export.source import horizon
from include.export.tasks import export_stream

NOT_DELETED = '[{"success": false, "errors": [{"statusCode": "DELETE_FAILED", "message": "has cases", "fields": []}]}]'
TEAM = AlertsFile(channels={"team": Channel(type="webhook")})


@dataclass
class Inbox:
    """A test channel that stores its messages, and is down on demand."""

    taken: list[AlertMessage] = field(default_factory=list)
    down: bool = False

    def deliver(self, name: str, channel: Channel, message: AlertMessage) -> None:
        if self.down:
            raise ChannelFailure("It is down.")
        self.taken.append(message)


@dataclass
class Alerts:
    """Sends due alerts to an inbox, as the last task of a DAG does."""

    exporter: Exporter
    inbox: Inbox = field(default_factory=Inbox)

    def send(self, file: AlertsFile = TEAM) -> list[str]:
        """Send, and return the received texts."""
        before = len(self.inbox.taken)
        AlertSender(
            self.exporter.connection, file, self.exporter.catalogue, "https://airflow/crm-export/", self.inbox.deliver,
            {"accounts": ["contacts"]},
        ).send()  # fmt: skip
        return [f"{message.subject}\n{message.text}" for message in self.inbox.taken[before:]]


@pytest.fixture
def alerts(exporter: Exporter) -> Alerts:
    """Return the alerts of a stream of three accounts, the second of which Salesforce rejects."""
    exporter.add({"id": 1}, {"id": 2, "kind": "Nonsense"}, {"id": 3})
    return Alerts(exporter)


def run_held(alerts: Alerts) -> list[str]:
    """Run the export and its gate, and send."""
    alerts.exporter.run()
    alerts.exporter.gate()
    return alerts.send()


def test_a_hold_is_reported_once_and_not_again_by_twenty_four_runs_and_its_end_is_reported(alerts: Alerts) -> None:
    [text] = run_held(alerts)
    assert text.startswith("CRM Export: 1 new\n")
    assert "Error occurred during Crm Export: RESTRICT_PICKLIST_VALUES_ENABLED : Entity type 'Account'" in text
    assert "CRM ErrorCode: INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST, Field(s): Kind__c" in text
    assert "accounts is paused at key=2 since" in text
    assert "attempt 1; 1 rows wait; contacts may be waiting for it." in text
    assert "What to do: " in text
    assert "https://airflow/crm-export/" in text
    assert "Nonsense" not in text
    assert [run_held(alerts) for _ in range(24)] == [[]] * 24
    alerts.exporter.change(2, 9, kind=None)
    [over] = run_held(alerts)
    assert over.startswith("CRM Export: 1 resolved\n")
    assert "accounts is no longer paused at key=2." in over
    assert run_held(alerts) == []


def test_a_hold_is_reminded_of_after_a_day_and_then_weekly(alerts: Alerts) -> None:
    assert len(run_held(alerts)) == 1
    for passed, reminded in (("23 hours", 0), ("2 hours", 1), ("6 days", 0), ("25 hours", 1)):
        alerts.exporter.connection.execute(
            "update crm_export.ExportAlertDeliveries set sent_at = sent_at - %s::interval", [passed]
        )
        texts = run_held(alerts)
        assert len(texts) == reminded, passed
        assert all("STILL OPEN" in text for text in texts)


def test_what_a_killed_run_did_not_send_the_next_one_sends(alerts: Alerts) -> None:
    alerts.exporter.run()
    alerts.exporter.gate()  # killed here, before its alerts were sent
    assert alerts.exporter.run().outcome is Outcome.HELD
    assert len(alerts.send()) == 1


def test_a_channel_that_is_down_loses_nothing_and_takes_nothing_from_the_others(alerts: Alerts) -> None:
    down = Inbox(down=True)
    file = AlertsFile(channels={"down": Channel(type="webhook"), "team": Channel(type="webhook")})

    def deliver(name: str, channel: Channel, message: AlertMessage) -> None:
        (down if name == "down" else alerts.inbox).deliver(name, channel, message)

    def send() -> dict[str, int]:
        return AlertSender(alerts.exporter.connection, file, alerts.exporter.catalogue, "", deliver, {}).send()

    alerts.exporter.run()
    alerts.exporter.gate()
    assert send() == {"down": 0, "team": 1}
    assert send() == {"down": 0, "team": 0}
    down.down = False
    assert send() == {"down": 1, "team": 0}


def test_an_export_is_not_blocked_by_a_channel_that_is_slow(
    alerts: Alerts, connect: Callable[..., psycopg.Connection]
) -> None:
    alerts.exporter.run()
    alerts.exporter.gate()
    seen: list[str] = []

    def deliver(name: str, channel: Channel, message: AlertMessage) -> None:
        other = connect()
        other.execute("set lock_timeout = '1s'")
        other.execute("update crm_export.ExportAlerts set times = times + 1")
        other.execute("update crm_export.ExportWatermarks set updated_at = now()")
        seen.append("written meanwhile")

    AlertSender(alerts.exporter.connection, TEAM, alerts.exporter.catalogue, "", deliver, {}).send()
    assert seen == ["written meanwhile"]


def test_two_runs_at_one_moment_send_an_alert_once(alerts: Alerts, connect: Callable[..., psycopg.Connection]) -> None:
    alerts.exporter.run()
    alerts.exporter.gate()
    other = ExportAlerts(connect())
    assert other.take_turn("team")
    assert alerts.send() == []
    other.give_turn("team")
    assert len(alerts.send()) == 1


def test_five_hundred_rejections_by_one_rule_are_one_alert(exporter: Exporter) -> None:
    alerts = Alerts(exporter)
    exporter.add_many(1, 500)
    exporter.connection.execute("update app.accounts set kind = 'Nonsense ' || id")
    exporter.run(pause=False)
    exporter.gate(pause=False)
    [text] = alerts.send()
    assert text.startswith("CRM Export: 1 new\n")
    assert "accounts: 500 record(s) rejected for this reason" in text
    exporter.run(pause=False)
    exporter.reexport(every=True)
    assert alerts.send() == []
    exporter.connection.execute("update app.accounts set kind = null")
    exporter.reexport(every=True)
    [over] = alerts.send()
    assert "records are no longer rejected for INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST" in over


def test_turning_the_setting_off_ends_the_hold_and_reports_its_cause(alerts: Alerts) -> None:
    run_held(alerts)
    alerts.exporter.run(pause=False)
    alerts.exporter.gate(pause=False)
    [text] = alerts.send()
    assert text.startswith("CRM Export: 1 new, 1 resolved\n")
    assert "accounts: 1 record(s) rejected for this reason" in text


def test_a_run_that_fails_is_reported_by_its_class_and_a_retry_that_succeeds_before_that_is_not(alerts: Alerts) -> None:
    def log_in() -> None:
        raise LoginFailure("Salesforce rejected the login.")

    exporter = alerts.exporter
    exporter.connection.execute("update app.accounts set kind = null")
    inputs = exporter.inputs()
    inputs.client.login = log_in  # type: ignore[assignment]
    for _ in range(2):
        with pytest.raises(LoginFailure):
            export_stream(inputs)
    [text] = alerts.send()
    assert "[critical] accounts: the run failed after its last attempt: Salesforce rejected the login." in text
    assert alerts.send() == []
    exporter.run()
    assert "accounts: the run succeeded again." in alerts.send()[0]
    exporter.add({"id": 9})
    with pytest.raises(LoginFailure):
        export_stream(inputs)
    exporter.run()
    assert alerts.send() == []


def test_spent_api_calls_are_reported_once_for_the_org(alerts: Alerts) -> None:
    alerts.exporter.connection.execute("update app.accounts set kind = null")
    assert alerts.exporter.run(daily_api_limit=1).outcome is Outcome.WAITING_FOR_CREDITS
    [text] = alerts.send()
    assert "The daily API calls are used up" in text
    assert alerts.exporter.run().outcome is Outcome.COMPLETE
    assert "API calls are available again." in alerts.send()[0]


def test_a_finding_is_reported_by_its_kind_and_its_end_too(exporter: Exporter) -> None:
    alerts = Alerts(exporter)
    exporter.add({"id": 1})
    identity = exporter.inputs().identity
    entry = RunEntry.start(exporter.connection, "accounts", "reconcile", identity, paused=True)
    findings = ExportFindings(exporter.connection, "accounts", entry.id)
    findings.note("late_row", [(str(n), "It came late.") for n in range(300)])
    [text] = alerts.send()
    assert "accounts: CRMExport_Reconcile found: late row (300)." in text
    later = ExportFindings(exporter.connection, "accounts", entry.id + 1)
    later.close_others("late_row")
    assert "CRMExport_Reconcile no longer finds: late row." in alerts.send()[0]


@pytest.mark.parametrize(
    ("language", "named"),
    [("en", "found: a field that was shortened (1)."), ("pt-BR", "encontra: um campo que foi encurtado (1).")],
)
def test_a_change_of_the_org_is_reported_in_words_with_what_to_do(
    exporter: Exporter, language: Language, named: str
) -> None:
    alerts = Alerts(exporter)
    file = AlertsFile(language=language, channels=TEAM.channels)
    exporter.add({"id": 1})
    exporter.run()
    exporter.control.change_field("Account", "Name", length=5)
    report_drift(exporter.inputs())
    [text] = alerts.send(file)
    assert f"accounts: CRMExport_Reconcile {named}" in text
    assert "Name was shortened from 80 to 5 characters" in text
    assert "Account 1" not in text
    report_drift(exporter.inputs())
    assert alerts.send(file) == []
    exporter.control.change_field("Account", "Name", length=80)
    report_drift(exporter.inputs())
    assert len(alerts.send(file)) == 1


def test_a_changed_setting_is_reported_once(exporter: Exporter) -> None:
    alerts = Alerts(exporter)
    exporter.connection.execute(
        "insert into crm_export.ExportAudit (actor, action, setting, from_value, to_value)"
        " values ('olga', 'set_setting', 'pause_on_export_errors', 'on', 'off')"
    )
    [text] = alerts.send()
    assert "[info] Changed: pause_on_export_errors: on -> off" in text
    assert alerts.send() == []


def test_a_change_that_waits_for_more_than_a_day_is_reported_until_it_has_left(exporter: Exporter) -> None:
    alerts = Alerts(exporter)
    exporter.add({"id": 1})  # changed months ago
    watch = AlertWatch(exporter.connection, lag_hours=24)
    watch.look(exporter.stream)
    [text] = alerts.send()
    assert "accounts: the oldest unexported change is from 2026-01-01 00:01 UTC." in text
    exporter.run()
    watch.look(exporter.stream)
    assert "accounts has caught up." in alerts.send()[0]


def test_a_rejected_delete_is_reported_before_its_row_is_purged(exporter: Exporter) -> None:
    alerts = Alerts(exporter)
    exporter.stream = make_stream(purged_after="7d")
    exporter.add({"id": 1})
    exporter.run()
    exporter.connection.execute(
        "update app.accounts set deleted_at = now() - interval '6 days', changed_at = now() - interval '6 days'"
    )
    watch = AlertWatch(exporter.connection, lag_hours=1e6)
    watch.look(exporter.stream)
    [text] = alerts.send()
    assert "accounts: deletes are waiting to be exported" in text
    exporter.run()
    watch.look(exporter.stream)
    assert alerts.send()[0].startswith("CRM Export: 1 resolved\n")


def test_a_held_delete_is_reported_before_its_row_is_purged_and_until_it_is_delivered(exporter: Exporter) -> None:
    alerts = Alerts(exporter)
    exporter.stream = make_stream(purged_after="7d")
    exporter.add({"id": 1})
    exporter.run()
    exporter.control.add_fault(match={"method": "DELETE"}, answer={"status": 200, "body": NOT_DELETED}, times=99)
    for days, purges in ((3, 0), (6, 1)):
        exporter.connection.execute(
            "update app.accounts set deleted_at = now() - %(age)s::interval, changed_at = now() - %(age)s::interval",
            {"age": f"{days} days"},
        )
        exporter.connection.execute("delete from crm_export.ExportErrors")
        exporter.connection.execute(
            "update crm_export.ExportWatermarks set cursor_at = '2026-01-01', record_key = '0',"
            " stopped_at_error_id = null, held_since = null"
        )
        assert exporter.run().outcome is Outcome.HELD
        exporter.gate()
        AlertWatch(exporter.connection, lag_hours=1e6).look(exporter.stream)
        keys = [alert.subject for alert in ExportAlerts(exporter.connection).list_open(9) if alert.kind == "purge"]
        assert keys == ["1"] * purges, f"deleted {days} days ago"
    [text] = alerts.send()
    assert "[critical] accounts: the delete of key=1 was rejected, and the warehouse purges its row at 20" in text
    exporter.control.clear_faults()
    assert exporter.run().outcome is Outcome.COMPLETE
    exporter.gate()
    AlertWatch(exporter.connection, lag_hours=1e6).look(exporter.stream)
    assert "the delete of key=1 is no longer at risk." in alerts.send()[0]


def test_a_session_idle_in_transaction_is_named_where_it_holds_changes_back(
    exporter: Exporter, connect: Callable[..., psycopg.Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    alerts = Alerts(exporter)
    exporter.add({"id": 1})
    monkeypatch.setattr(horizon, "LONG_TRANSACTION_SECONDS", -1)  # ten minutes are too long for a test
    idle = connect("warehouse_loader")
    with idle.transaction():
        idle.execute("select 1")
        AlertWatch(exporter.connection, lag_hours=24).look(exporter.stream)
        [text] = alerts.send()
    assert "accounts: the oldest unexported change is from 2026-01-01 00:01 UTC." in text
    assert "warehouse_loader" in text
    assert str(idle.info.backend_pid) in text
    exporter.run()
    AlertWatch(exporter.connection, lag_hours=24).look(exporter.stream)
    assert "accounts has caught up." in alerts.send()[0]


def test_channels_take_their_severities_and_streams_and_speak_their_language(alerts: Alerts) -> None:
    file = AlertsFile(channels={"night": Channel(type="webhook", severities=("info",)),
                                "others": Channel(type="webhook", streams=("contacts",)),
                                "brasil": Channel(type="webhook", language="pt-BR")})  # fmt: skip
    alerts.exporter.run()
    alerts.exporter.gate()
    [text] = alerts.send(file)
    assert text.startswith("CRM Export: 1 novo(s)\n")
    assert "accounts está em pausa em key=2" in text


def test_no_alert_is_lost_to_a_transaction_that_is_rolled_back(alerts: Alerts) -> None:
    connection = alerts.exporter.connection
    alerts.exporter.run()
    with connection.transaction(force_rollback=True):
        connection.execute("update crm_export.ExportWatermarks set held_since = now()")
        assert {alert.kind for alert in ExportAlerts(connection).list_open(10)} == {"held", "rejected"}
    assert ExportErrors(connection).count("accounts")
    assert [alert.kind for alert in ExportAlerts(connection).list_open(10)] == ["rejected"]


def test_marked_as_read_they_stay_open(alerts: Alerts) -> None:
    run_held(alerts)
    table = ExportAlerts(alerts.exporter.connection)
    unread = [alert for alert in table.list_open(10) if alert.read_at is None]
    assert {alert.kind for alert in unread} == {"held", "rejected"}
    assert table.mark_read("olga", [unread[0].id]) == 1
    assert table.mark_read("olga") == len(unread) - 1
    assert len(table.list_open(10)) == len(unread)


def test_a_day_of_purges_is_a_duration() -> None:
    assert make_stream(purged_after="7d").purged_after == timedelta(days=7)

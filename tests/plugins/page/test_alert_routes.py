"""The bell: open and ended alerts, in the reader's language, and marking them as read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from crm_export.settings import PAUSE_ON_EXPORT_ERRORS
from exporter import Exporter
from include.export.ledger import ExportAlerts
from people import Person, act, code

pytestmark = pytest.mark.filterwarnings("default")  # warnings of Airflow's API server itself
SEAT = Callable[..., Person]


def test_a_hold_is_in_the_bell_with_the_text_that_is_sent(op: Person, held: Exporter) -> None:
    found = op.get("api/alerts").json()
    [alert] = found["alerts"]
    [error] = held.errors()
    assert (alert["kind"], alert["severity"], alert["stream"]) == ("held", "critical", "accounts")
    assert (alert["error"], alert["database"], alert["cleared_at"]) == (error["id"], "postgres_default", None)
    assert alert["adobe_line"].startswith("Error occurred during Crm Export: RECORD_NONCOMPLIANT_WITH_VALIDATION_RULES")
    assert "accounts is paused at key=2 since" in alert["sentence"]
    assert alert["advice"]
    assert (found["open"], found["unread"], found["critical"], found["next"]) == (1, 1, 1, None)
    portuguese = op.get("api/alerts", language="pt-BR").json()["alerts"][0]["sentence"]
    assert "accounts está em pausa em key=2" in portuguese


def test_a_hold_that_is_over_is_in_the_list_of_all_with_its_end(op: Person, held: Exporter) -> None:
    held.change(2, 50, name="good")
    held.run()
    held.gate()
    assert op.get("api/alerts").json()["alerts"] == []
    [alert] = [one for one in op.get("api/alerts", cleared=True).json()["alerts"] if one["kind"] == "held"]
    assert alert["cleared_at"] is not None
    assert alert["sentence"] == "accounts is no longer paused at key=2."


def test_what_quotes_a_value_is_redacted(op: Person, held: Exporter) -> None:
    held.connection.execute(
        "update crm_export.ExportErrors set error_code = 'INVALID_EMAIL_ADDRESS',"
        " error_message = 'Email: invalid email address: maria@example.com'"
    )
    assert "maria" not in op.get("api/alerts").text
    assert "maria" not in op.get("api/alerts", cleared=True).text


def test_one_alert_is_marked_as_read_and_stays_open(op: Person, held: Exporter) -> None:
    [alert] = op.get("api/alerts").json()["alerts"]
    named = {"alerts": [{"database": alert["database"], "id": alert["id"]}]}
    assert op.post("api/alerts/read", named).json() == {"marked": 1}
    assert op.post("api/alerts/read", named).json() == {"marked": 0}
    found = op.get("api/alerts").json()
    assert (found["open"], found["unread"], found["critical"]) == (1, 0, 0)
    assert found["alerts"][0]["read_by"] == "olga"


def test_marking_all_spares_what_was_raised_after_the_list_was_read(op: Person, held: Exporter) -> None:
    [alert] = op.get("api/alerts").json()["alerts"]
    later = ExportAlerts(held.connection)
    later.raise_alert("quota:org", "quota", severity="warning", subject="org", message="spent")
    assert op.post("api/alerts/read", {"until": alert["raised_at"]}).json() == {"marked": 1}
    found = op.get("api/alerts").json()
    assert (found["open"], found["unread"]) == (2, 1)
    assert [one["read_at"] is None for one in found["alerts"]] == [True, False], "newest first"


def test_marking_all_spares_a_cause_that_is_hidden_behind_the_hold(op: Person, held: Exporter) -> None:
    [alert] = op.get("api/alerts").json()["alerts"]
    op.post("api/alerts/read", {"until": alert["raised_at"]})
    act(op, "set_aside", held.errors()[0]["id"])
    held.add({"id": 4, "name": "bad"})
    held.run(pause=False)
    found = op.get("api/alerts").json()
    assert [(one["kind"], one["read_at"]) for one in found["alerts"]] == [("rejected", None)]


def test_pages_follow_each_other_without_a_gap(op: Person, exporter: Exporter) -> None:
    exporter.run()
    alerts = ExportAlerts(exporter.connection)
    for number in range(7):
        alerts.raise_alert(f"quota:{number}", "quota", severity="warning", subject=str(number), message=f"no {number}")
    exporter.connection.execute(
        "update crm_export.ExportAlerts set raised_at = '2026-01-01Z' where key in ('quota:3', 'quota:4')"
    )
    seen, before = [], None
    for _ in range(5):
        page = op.get("api/alerts", limit=2, **({"before": before} if before else {})).json()
        seen += [alert["sentence"] for alert in page["alerts"]]
        before = page["next"]
        if before is None:
            break
    assert len(seen) == len(set(seen)) == 7


def test_what_people_changed_is_a_note_of_a_week(op: Person, exporter: Exporter) -> None:
    exporter.run()
    op.put(f"api/settings/{PAUSE_ON_EXPORT_ERRORS}", {"value": False, "acknowledgement": "agreed"})
    found = op.get("api/alerts").json()
    assert [(alert["kind"], alert["cleared_at"]) for alert in found["alerts"]] == [("audit", None)]
    assert (found["open"], found["unread"]) == (0, 1), "a note is nothing that is open"
    exporter.connection.execute("update crm_export.ExportAlerts set raised_at = raised_at - interval '8 days'")
    assert op.get("api/alerts").json()["unread"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"alerts": []},
        {"alerts": [{"database": "postgres_default", "id": 1}], "until": "2026-01-01T00:00:00Z"},
        {"until": "2026-01-01T00:00:00"},
        {"alerts": [{"database": "postgres_default", "id": 2**63}]},
    ],
)
def test_what_is_to_be_marked_must_be_clear(op: Person, exporter: Exporter, body: dict[str, object]) -> None:
    assert code(op.post("api/alerts/read", body)) == (422, "invalid")


def test_a_database_that_no_stream_uses_is_not_opened(op: Person, held: Exporter) -> None:
    assert code(op.post("api/alerts/read", {"alerts": [{"database": "airflow_db", "id": 1}]})) == (404, "not_found")


def test_viewers_see_how_many_are_open_and_no_text(page: SEAT, held: Exporter, dags: None) -> None:
    for role in ("viewer", "user"):
        assert code(page(role).get("api/alerts")) == (403, "forbidden")
        assert page(role).get("api/headline").json()["alerts"] == 1


def test_a_resend_is_noted_in_bell_and_audit(op: Person, held: Exporter, dags: None) -> None:
    act(op, "set_aside", held.errors()[0]["id"])
    held.run()
    assert op.post("api/streams/accounts/resends", {"reason": "a new field"}).status_code == 202
    assert "resend" in {entry["action"] for entry in op.get("api/audit").json()["entries"]}
    notes = [alert["sentence"] for alert in op.get("api/alerts").json()["alerts"] if alert["kind"] == "audit"]
    assert notes == ["Changed: resend: accounts (olga)"]
    assert datetime.now(UTC) - datetime.fromisoformat(op.get("api/alerts").json()["at"]) < timedelta(minutes=1)

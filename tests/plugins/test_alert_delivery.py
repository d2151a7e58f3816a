"""Delivering alerts: what a real mail server, a webhook, Slack and PagerDuty receive, and the messages of failures."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alert_sinks import HttpSink, MailSink, serve_http, serve_mail
from crm_export.alerts.delivery import deliver_message
from include.export.alerts import AlertMessage, Channel, ChannelFailure
from include.export.ledger import PendingAlert

# PagerDuty's client leaves its connections open, which would cause warnings in the next test
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
HOSTILE = "bad value: {{ 7 * 7 }} <script>alert(1)</script> & *bold* <!channel>"


def make_alert(event: str = "raised") -> PendingAlert:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return PendingAlert(
        1, "held:accounts:2", "held", "critical", "accounts", "2", None, event, moment, None, 1, 5, "Account", "2",
        "A2", None, "upsert", "X", HOSTILE, [], 1, None, None, "2026-01-01 00:00", 3, None,
    )  # fmt: skip


def make_message(event: str = "raised") -> AlertMessage:
    return AlertMessage("CRM Export: 1 new", f"NEW\n\n{HOSTILE}", ((make_alert(event), HOSTILE),))


@pytest.fixture
def http(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpSink]:
    with serve_http(tmp_path, "events.pagerduty.com") as sink:
        address = f"http%3A%2F%2F127.0.0.1%3A{sink.port}"
        monkeypatch.setenv("AIRFLOW_CONN_HOOK", f"http://{address}%2Fhook/")
        monkeypatch.setenv("AIRFLOW_CONN_SLACK", f"slackwebhook://:T0%2FB0%2Fsecret@{address}%2Fservices/")
        monkeypatch.setenv("AIRFLOW_CONN_PAGER", '{"conn_type": "pagerduty_events", "password": "integration-key"}')
        yield sink
    gc.collect()  # connections that the clients left open are closed here, and not in another module's test


@pytest.fixture
def mail(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailSink]:
    with serve_mail() as sink:
        extra = "disable_ssl=true&disable_tls=true&timeout=5&from_email=crm%40acme.example"
        monkeypatch.setenv("AIRFLOW_CONN_POST", f"smtp://127.0.0.1:{sink.port}/?{extra}")
        yield sink


def test_a_mail_holds_the_message_as_text_and_nothing_in_it_is_a_template_or_markup(mail: MailSink) -> None:
    channel = Channel(type="smtp", connection="post", to=("data@acme.example", "crm@acme.example"))
    deliver_message("team", channel, make_message())
    [received] = mail.mails
    assert (received["Subject"], received["From"]) == ("CRM Export: 1 new", "crm@acme.example")
    assert received["To"] == "data@acme.example, crm@acme.example"
    body = received.get_body(("html",))
    assert body is not None
    assert "{{ 7 * 7 }} &lt;script&gt;" in body.get_content()
    assert "<script>" not in body.get_content()


def test_a_webhook_gets_json_with_each_alert(http: HttpSink) -> None:
    deliver_message("own", Channel(type="webhook", connection="hook"), make_message())
    [(path, body)] = http.requests
    assert path == "/hook"
    assert body["subject"] == "CRM Export: 1 new"
    assert body["alerts"] == [
        {"key": "held:accounts:2", "event": "raised", "kind": "held", "severity": "critical", "stream": "accounts",
         "raised_at": "2026-01-01T00:00:00+00:00", "text": HOSTILE}
    ]  # fmt: skip


def test_slack_gets_the_text_and_no_mention_comes_out_of_it(http: HttpSink) -> None:
    deliver_message("chat", Channel(type="slack", connection="slack"), make_message())
    [(path, body)] = http.requests
    assert path == "/services/T0/B0/secret"
    assert "&lt;!channel&gt;" in body["text"]
    assert "<!channel>" not in body["text"]


@pytest.mark.parametrize(("event", "action"), [("raised", "trigger"), ("cleared", "resolve")])
def test_pagerduty_opens_and_ends_the_incident_of_the_alert(
    http: HttpSink, monkeypatch: pytest.MonkeyPatch, event: str, action: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{http.port}")
    monkeypatch.setenv("SSL_CERT_FILE", str(http.ca_file))
    deliver_message("pager", Channel(type="pagerduty", connection="pager"), make_message(event))
    [(path, body)] = http.requests
    assert path == "/v2/enqueue"
    assert (body["event_action"], body["dedup_key"]) == (action, "crm_export:held:accounts:2")
    assert body["routing_key"] == "integration-key"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Apprise's own
def test_apprise_reaches_what_its_connection_names(http: HttpSink, monkeypatch: pytest.MonkeyPatch) -> None:
    extra = f'{{"config": {{"path": "json://127.0.0.1:{http.port}/teams", "tag": "alerts"}}}}'
    monkeypatch.setenv("AIRFLOW_CONN_TEAMS", f'{{"conn_type": "apprise", "extra": {extra}}}')
    deliver_message("teams", Channel(type="apprise", connection="teams"), make_message())
    [(path, body)] = http.requests
    assert path.startswith("/teams")
    assert HOSTILE in body["message"]


def test_any_notifier_takes_the_subject_and_the_text_where_its_arguments_ask_for_them(mail: MailSink) -> None:
    channel = Channel(
        type="notifier",
        notifier="airflow.providers.smtp.notifications.smtp.SmtpNotifier",
        arguments={"to": "data@acme.example", "smtp_conn_id": "post", "subject": "{subject}", "html_content": "{text}"},
    )
    deliver_message("custom", channel, make_message())
    assert mail.mails[0]["Subject"] == "CRM Export: 1 new"


FAILURES: dict[str, tuple[Channel, str]] = {
    "no connection": (Channel(type="webhook", connection="nowhere"), "Connection nowhere is not defined"),
    "unavailable": (Channel(type="webhook", connection="hook"), "It answered HTTP 503. Check connection hook."),
    "no class": (Channel(type="notifier", notifier="acme.Nothing"), "There is no class acme.Nothing."),
    "no notifier": (Channel(type="notifier", notifier="pathlib.Path"), "pathlib.Path is not an Airflow notifier."),
    "no server": (
        Channel(type="smtp", connection="closed", to=("data@acme.example",)),
        "of smtp. Check connection closed and whether the service answers.",
    ),
}


@pytest.mark.parametrize("case", FAILURES)
def test_a_channel_that_fails_says_what_to_correct_and_no_secret(
    http: HttpSink, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    http.status = 503
    monkeypatch.setenv(
        "AIRFLOW_CONN_CLOSED", "smtp://user:secret@127.0.0.1:1/?disable_ssl=true&timeout=1&retry_limit=1"
    )
    channel, said = FAILURES[case]
    with pytest.raises(ChannelFailure) as failure:
        deliver_message("team", channel, make_message())
    assert said in str(failure.value)
    assert "secret" not in str(failure.value)


def test_a_missing_package_is_named_with_the_line_to_add(
    monkeypatch: pytest.MonkeyPatch, hide_module: Callable[[str], None]
) -> None:
    hide_module("airflow.providers.slack.notifications.slack_webhook")
    with pytest.raises(ChannelFailure, match=r"Add a line to requirements.txt: apache-airflow-providers-slack"):
        deliver_message("chat", Channel(type="slack", connection="slack"), make_message())


@pytest.fixture
def hide_module(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a patch that makes a module look as if its package were not installed."""
    return lambda name: monkeypatch.setitem(sys.modules, name, None)  # type: ignore[arg-type]

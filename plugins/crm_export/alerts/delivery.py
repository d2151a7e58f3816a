"""Delivering a message to a channel through Airflow's notifiers; each reads an Airflow connection."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from importlib import import_module
from itertools import starmap
from typing import Any

import requests
from airflow.sdk import BaseHook, BaseNotifier, Connection
from airflow.sdk.exceptions import AirflowException, AirflowRuntimeError

from include.export.alerts import AlertMessage, Channel, ChannelFailure, ChannelType
from include.export.ledger import PendingAlert

TIMEOUT_SECONDS = 10  # of an HTTP call to a channel
# the notifier class of each type, and the package that provides it
NOTIFIERS = {
    ChannelType.SMTP: ("airflow.providers.smtp.notifications.smtp.SmtpNotifier", "apache-airflow-providers-smtp"),
    ChannelType.SLACK: (
        "airflow.providers.slack.notifications.slack_webhook.SlackWebhookNotifier",
        "apache-airflow-providers-slack",
    ),
    ChannelType.PAGERDUTY: (
        "airflow.providers.pagerduty.notifications.pagerduty.PagerdutyNotifier",
        "apache-airflow-providers-pagerduty",
    ),
    ChannelType.APPRISE: (
        "airflow.providers.apprise.notifications.apprise.AppriseNotifier",
        "apache-airflow-providers-apprise",
    ),
}
# the connection of a channel that names none
DEFAULT_CONNECTIONS = {
    ChannelType.SMTP: "smtp_default",
    ChannelType.SLACK: "slack_default",
    ChannelType.PAGERDUTY: "pagerduty_events_default",
    ChannelType.APPRISE: "apprise_default",
    ChannelType.WEBHOOK: "crm_export_webhook",
}
_PAGERDUTY_SEVERITIES = {"critical": "critical", "warning": "warning", "info": "info"}


def deliver_message(name: str, channel: Channel, message: AlertMessage) -> None:
    """Send a message to a channel; raises ChannelFailure with what to correct, whatever the channel's library raises.

    Airflow's templating is not applied: a message quotes Salesforce, whose text may look like a template.
    """
    try:
        if channel.type is ChannelType.WEBHOOK:
            _post(channel, message)
        else:
            for arguments in _COMPOSERS[channel.type](channel, message):
                load_notifier(channel)(**arguments).notify({})
    except ChannelFailure:
        raise
    except Exception as broken:  # noqa: BLE001 - each channel's library has exceptions of its own
        raise ChannelFailure(_explain(channel, broken)) from None


def name_connection(channel: Channel) -> str | None:
    """Return the Airflow connection of a channel, None for a custom notifier that names none."""
    return channel.connection or DEFAULT_CONNECTIONS.get(channel.type)


def load_notifier(channel: Channel) -> type[BaseNotifier]:
    """Return the notifier class of a channel; raises ChannelFailure naming the package to add where it is missing."""
    path, package = NOTIFIERS.get(channel.type, (str(channel.notifier), ""))
    module, _, name = path.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError):
        remedy = f"Add a line to requirements.txt: {package}" if package else f"There is no class {path}."
        raise ChannelFailure(f"The notifier of type {channel.type} is not installed. {remedy}") from None
    if not isinstance(found, type) or not issubclass(found, BaseNotifier):
        raise ChannelFailure(f"{path} is not an Airflow notifier.")
    return found


def _explain(channel: Channel, broken: Exception) -> str:
    """Name the exception without its text, which may contain an address or a token."""
    connection = f"connection {channel.connection}" if channel.connection else "the default connection of its type"
    return f"{type(broken).__name__} of {channel.type}. Check {connection} and whether the service answers."


def _smtp(channel: Channel, message: AlertMessage) -> list[dict[str, Any]]:
    body = f'<pre style="font-family: inherit; white-space: pre-wrap">{html.escape(message.text)}</pre>'
    sender = {"from_email": channel.sender} if channel.sender else {}
    return [{
        "to": list(channel.to), "subject": message.subject, "html_content": body,
        "smtp_conn_id": name_connection(channel), **sender,
    }]  # fmt: skip


def _slack(channel: Channel, message: AlertMessage) -> list[dict[str, Any]]:
    # escaped for Slack, so that text from Salesforce cannot form links or mentions
    text = f"{message.subject}\n\n{message.text}".replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return [{"slack_webhook_conn_id": name_connection(channel), "text": text}]


def _pagerduty(channel: Channel, message: AlertMessage) -> list[dict[str, Any]]:
    """Return one event per alert; PagerDuty groups them by key and resolves the incident when its alert is cleared."""
    events = list(starmap(_pagerduty_event, message.parts)) or [
        {"summary": message.text, "severity": "info", "dedup_key": "crm_export:test", "action": "trigger"}
    ]
    known = {
        "pagerduty_events_conn_id": name_connection(channel),
        "source": "CRM Export",
    }
    return [known | event for event in events]


def _pagerduty_event(alert: PendingAlert, text: str) -> dict[str, Any]:
    return {
        "summary": text[:1024],  # PagerDuty's limit
        "severity": _PAGERDUTY_SEVERITIES[alert.severity],
        "dedup_key": f"crm_export:{alert.key}"[:255],
        "action": "resolve" if alert.event == "cleared" else "trigger",
    }


def _apprise(channel: Channel, message: AlertMessage) -> list[dict[str, Any]]:
    return [{
        "title": message.subject, "body": message.text, "apprise_conn_id": name_connection(channel),
    }]  # fmt: skip


def _custom(channel: Channel, message: AlertMessage) -> list[dict[str, Any]]:
    """Return a custom notifier's arguments, with {subject} and {text} filled in."""
    places = {"{subject}": message.subject, "{text}": message.text}
    return [{name: places.get(value, value) if isinstance(value, str) else value
             for name, value in channel.arguments.items()}]  # fmt: skip


_COMPOSERS: Mapping[ChannelType, Callable[[Channel, AlertMessage], list[dict[str, Any]]]] = {
    ChannelType.SMTP: _smtp,
    ChannelType.SLACK: _slack,
    ChannelType.PAGERDUTY: _pagerduty,
    ChannelType.APPRISE: _apprise,
    ChannelType.NOTIFIER: _custom,
}


def _post(channel: Channel, message: AlertMessage) -> None:
    """POST the message as JSON to the address of an HTTP connection, with its login or the headers of its extra."""
    connection = _find(str(name_connection(channel)))
    body = {
        "subject": message.subject,
        "text": message.text,
        "alerts": [
            {"key": alert.key, "event": alert.event, "kind": alert.kind, "severity": alert.severity,
             "stream": alert.stream, "raised_at": alert.raised_at.isoformat(), "text": text}
            for alert, text in message.parts
        ],
    }  # fmt: skip
    answer = requests.post(
        _address(connection), json=body, headers=connection.extra_dejson.get("headers"),
        auth=(connection.login, connection.password or "") if connection.login else None,
        timeout=TIMEOUT_SECONDS, allow_redirects=False,
    )  # fmt: skip
    if not 200 <= answer.status_code < 300:
        raise ChannelFailure(f"It answered HTTP {answer.status_code}. Check connection {connection.conn_id}.")


def _address(connection: Connection) -> str:
    if "://" in (connection.host or ""):
        return str(connection.host)
    port = f":{connection.port}" if connection.port else ""
    endpoint = str(connection.extra_dejson.get("endpoint", "")).lstrip("/")
    return f"{connection.schema or 'https'}://{connection.host}{port}/{endpoint}"


def _find(name: str) -> Connection:
    try:
        return BaseHook.get_connection(name)
    except (AirflowException, AirflowRuntimeError):
        raise ChannelFailure(f"Connection {name} is not defined. Add it under Admin > Connections.") from None

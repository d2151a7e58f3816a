"""`alerts`: the open alerts, and a sample to each channel."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from crm_export.alerts.delivery import deliver_message
from crm_export.command_line.output import OK, WRONG, Output
from crm_export.connections import find_databases, open_postgres
from include.export.alerts import AlertsFile, AlertWriter, ChannelFailure, load_alerts_file
from include.export.ledger import ExportAlerts, OpenAlert
from include.export.salesforce import load_catalogue
from include.export.streams import load_streams

LISTED = 200


def list_alerts(asked: argparse.Namespace, output: Output) -> int:
    """List the open alerts; exit code 1 while one is a warning or critical."""
    alerts = [alert for database in find_databases(load_streams()) for alert in _list_open(database)]
    output.add(alerts=[asdict(alert) for alert in alerts])
    for alert in alerts:
        raised = f"{alert.raised_at:%Y-%m-%d %H:%M}"
        output.line(f"{raised}  {alert.severity:<8}  {alert.kind:<10}  {alert.stream or '-'}  {alert.subject}")
    if not alerts:
        output.line("No alert is open.")
    return WRONG if any(alert.severity != "info" for alert in alerts) else OK


def _list_open(database: str) -> list[OpenAlert]:
    with open_postgres(database) as connection:
        return ExportAlerts(connection).list_open(LISTED)


def test_channels(asked: argparse.Namespace, output: Output) -> int:
    """Send a sample to each channel; exit code 1 if one fails or none is configured."""
    file = load_alerts_file()
    wanted = asked.channels or list(file.channels)
    if not wanted:
        output.line("alerts.yaml names no channel: alerts are shown on the page only. See docs/howto/alerts.md.")
        return WRONG
    results = {name: _send_sample(file, name) for name in wanted}
    for name, problem in results.items():
        output.line(f"{name}: {problem or 'sent'}")
    output.add(channels=results)
    return WRONG if any(results.values()) else OK


def _send_sample(file: AlertsFile, name: str) -> str:
    """Return what is wrong with a channel; an empty text when the sample was sent."""
    channel = file.channels.get(name)
    if channel is None:
        return f"alerts.yaml has no such channel; it has {', '.join(file.channels) or 'none'}"
    writer = AlertWriter(load_catalogue(), channel.language or file.language, "the page CRM Export")
    try:
        deliver_message(name, channel, writer.write_sample())
    except ChannelFailure as broken:
        return str(broken)
    return ""

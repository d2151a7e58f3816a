"""Sends alerts: each channel gets its pending alerts in one message, and deliveries are recorded."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import psycopg

from include.export.alerts.channels import AlertsFile, Channel
from include.export.alerts.message import AlertMessage, AlertWriter
from include.export.ledger import ExportAlerts
from include.export.salesforce import Catalogue

log = logging.getLogger(__name__)


class ChannelFailure(Exception):  # noqa: N818 - named like RunFailure
    """A channel did not accept a message; the text says what to correct. The next run sends the message again."""


Deliver = Callable[[str, Channel, AlertMessage], None]


@dataclass(frozen=True)
class AlertSender:
    """Sends alerts to the channels of a file; `deliver` sends a message to one of them, or raises ChannelFailure."""

    connection: psycopg.Connection
    file: AlertsFile
    catalogue: Catalogue
    page_url: str
    deliver: Deliver
    children: Mapping[str, Sequence[str]]

    def send(self) -> dict[str, int]:
        """Send what is due and return the number of alerts by channel; a failing channel is logged and counts 0."""
        return {name: self._send_to(name, channel) for name, channel in self.file.channels.items()}

    def _send_to(self, name: str, channel: Channel) -> int:
        alerts = ExportAlerts(self.connection)
        if not alerts.take_turn(name):
            return 0
        try:
            return self._send_pending(alerts, name, channel)
        except ChannelFailure as broken:
            log.warning("Alert channel %s did not accept the message: %s The next run sends it again.", name, broken)
            return 0
        finally:
            alerts.give_turn(name)

    def _send_pending(self, alerts: ExportAlerts, name: str, channel: Channel) -> int:
        """Send outside of any transaction, so that a slow channel locks no row that an export writes.

        If the process is killed between a delivery and its record, the message is sent once more.
        """
        pending = alerts.find_pending(name, severities=channel.severities, streams=channel.streams)
        if pending:
            self.deliver(name, channel, self.write(channel).write(pending))
            alerts.note_delivered(name, pending)
        return len(pending)

    def write(self, channel: Channel) -> AlertWriter:
        """Return the writer of a channel's messages."""
        return AlertWriter(self.catalogue, channel.language or self.file.language, self.page_url, self.children)

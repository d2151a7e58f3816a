"""Alerts: the channels, and what is sent to them."""

from __future__ import annotations

from include.export.alerts.channels import AlertsFile, Channel, ChannelType, load_alerts_file
from include.export.alerts.message import AlertMessage, AlertText, AlertWriter
from include.export.alerts.sending import AlertSender, ChannelFailure
from include.export.alerts.watch import AlertWatch

__all__ = [
    "AlertMessage",
    "AlertSender",
    "AlertText",
    "AlertWatch",
    "AlertWriter",
    "AlertsFile",
    "Channel",
    "ChannelFailure",
    "ChannelType",
    "load_alerts_file",
]

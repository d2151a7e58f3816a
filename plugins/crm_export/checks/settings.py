"""What `check` examines in Airflow besides the streams: alerts.yaml with its channels, and the pool."""

from __future__ import annotations

import os
from collections.abc import Sequence

from airflow.models.pool import Pool
from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowException, AirflowRuntimeError
from sqlalchemy.exc import SQLAlchemyError

from crm_export.alerts.delivery import load_notifier, name_connection
from crm_export.operators.base import POOL_VARIABLE
from include.export.alerts import Channel, ChannelFailure, ChannelType, load_alerts_file
from include.export.inspection import CheckLine, Checklist

_FILE = "alerts.yaml"


def check_alerts(streams: Sequence[str]) -> list[CheckLine]:
    """Check alerts.yaml: its syntax, each channel's package and connection, and the streams that it names."""
    checks = Checklist(_FILE)
    with checks.judge("file"):
        file = load_alerts_file()
        if not file.channels:
            checks.warn("channels", "No channel is configured: alerts are shown on the page and in the logs only. See "
                        "docs/howto/alerts.md.")  # fmt: skip
        for name, channel in file.channels.items():
            _check_channel(name, channel, streams, checks)
    return checks.lines


def check_pool() -> list[CheckLine]:
    """Check that the pool named by CRM_EXPORT_POOL exists: Airflow never starts a task in a missing pool."""
    name = os.environ.get(POOL_VARIABLE)
    checks = Checklist("pool")
    if not name:
        checks.ok(POOL_VARIABLE, "Not set: tasks use default_pool.")
        return checks.lines
    try:
        found = Pool.get_pool(name)
    except SQLAlchemyError as unreadable:
        checks.warn(POOL_VARIABLE, f"Could not read whether pool {name} exists ({type(unreadable).__name__}). Run "
                    "check where Airflow's metadata database is reachable.")  # fmt: skip
        return checks.lines
    if found is None:
        checks.fail(
            POOL_VARIABLE,
            f"Pool {name} does not exist, so no task is ever started. Run: airflow pools set {name} 8 'CRM Export', or "
            f"unset {POOL_VARIABLE}.",
        )
    else:
        checks.ok(POOL_VARIABLE, f"Pool {name} has {found.slots} slots.")
    return checks.lines


def _check_channel(name: str, channel: Channel, streams: Sequence[str], checks: Checklist) -> None:
    before = len(checks.lines)
    if channel.type is not ChannelType.WEBHOOK:
        try:
            load_notifier(channel)
        except ChannelFailure as missing:
            checks.fail("channels", f"Channel {name}: {missing}")
    connection = name_connection(channel)
    if connection and not _is_defined(connection):
        checks.fail(
            "channels",
            f"Channel {name}: connection {connection} is not defined. Add it under Admin > Connections, or as the "
            f"environment variable AIRFLOW_CONN_{connection.upper()}.",
        )
    unknown = sorted(set(channel.streams or ()) - set(streams))
    if unknown:
        checks.fail("channels", f"Channel {name}: there is no stream {', '.join(unknown)}. Correct streams in {_FILE}.")
    if len(checks.lines) == before:
        checks.ok("channels", f"Channel {name} is complete. Test it: python -m crm_export alerts test {name}")


def _is_defined(connection: str) -> bool:
    try:
        BaseHook.get_connection(connection)
    except (AirflowException, AirflowRuntimeError):
        return False
    return True

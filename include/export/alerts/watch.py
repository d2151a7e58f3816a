"""Alerts that time causes: changes that have waited for too long, deletes whose rows will be purged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import psycopg

from include.export.ledger import ExportAlerts, ExportWatermarks
from include.export.source import Source, find_blocking_transaction, find_oldest_waiting_delete, read_oldest_waiting
from include.export.streams import Stream

PURGE_WARNING = timedelta(days=2)  # before a row is purged


@dataclass(frozen=True)
class AlertWatch:
    """Checks a stream; `lag_hours` is the age from which an unexported change raises an alert."""

    connection: psycopg.Connection
    lag_hours: float

    def look(self, stream: Stream) -> None:
        """Raise or clear the stream's alerts. Raises RunFailure or psycopg.Error when the source cannot be read."""
        self._look_for_lag(stream)
        if stream.purged_after is not None and stream.deleted is not None:
            ExportAlerts(self.connection).raise_purges(stream.name, stream.purged_after)
            self._look_for_waiting_deletes(stream, stream.purged_after)

    def _look_for_lag(self, stream: Stream) -> None:
        alerts, key = ExportAlerts(self.connection), f"lag:{stream.name}"
        source = Source(stream, self.connection)
        position = ExportWatermarks(self.connection).read_position(stream.name)
        oldest = read_oldest_waiting(source, position, self.lag_hours)
        if oldest is None:
            alerts.clear(key)
            return
        blocking = find_blocking_transaction(source)
        message = f"{oldest} UTC. {blocking}" if blocking else f"{oldest} UTC."
        alerts.raise_alert(key, "lag", severity="warning", stream=stream.name, subject=stream.name, message=message)

    def _look_for_waiting_deletes(self, stream: Stream, purged_after: timedelta) -> None:
        alerts, key = ExportAlerts(self.connection), f"purge:{stream.name}"
        source = Source(stream, self.connection)
        position = ExportWatermarks(self.connection).read_position(stream.name)
        when = find_oldest_waiting_delete(source, position, purged_after, PURGE_WARNING)
        if when is None:
            alerts.clear(key)
        else:
            alerts.raise_alert(key, "purge", severity="critical", stream=stream.name, subject=stream.name, message=when)

"""How far a source may be read: no open transaction can still commit rows below the horizon."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta

import psycopg
from psycopg import errors
from psycopg.rows import class_row

from include.export.failures import ConfigurationFailure, HorizonFailure
from include.export.source.source import WAITING_LIMIT, Source, format_count
from include.export.streams import Stream
from include.sql import fetch_one, fetch_value, load_statement

log = logging.getLogger(__name__)
LONG_TRANSACTION_SECONDS = 600


@dataclass(frozen=True)
class Horizon:
    """The answer of crm_export.export_horizon()."""

    standby: bool
    blind: bool
    prepared: str | None
    horizon: str
    oldest_pid: int | None
    oldest_application: str | None
    oldest_age: timedelta | None
    owner: str

    @property
    def seconds(self) -> float:
        """Return how long the oldest transaction of another session has been open."""
        return self.oldest_age.total_seconds() if self.oldest_age else 0.0


@dataclass(frozen=True)
class BlockingTransaction:
    """A long-running transaction, and how many changed rows wait for its end, up to 10,000."""

    pid: int | None
    application: str
    seconds: float
    rows: int

    def __str__(self) -> str:
        hours, minutes = divmod(int(self.seconds) // 60, 60)
        age = f"{hours} h {minutes} min" if hours else f"{minutes} min"
        named = self.application or "no application name"
        return (
            f"{format_count(self.rows)} changed rows wait for a transaction that has been open for {age}: pid "
            f"{self.pid} ({named}). Commit it or end it; nothing is skipped."
        )


def read_horizon(stream: Stream, connection: psycopg.Connection) -> str:
    """Return the horizon as timestamptz text, read in its own statement before the rows are read.

    Raises HorizonFailure on a standby, with a prepared transaction open, or when the function cannot see other
    sessions; ConfigurationFailure when the role may not call it (docs/decisions/0002-horizon.md).
    """
    found = _ask(stream, connection)
    if found.standby:
        raise HorizonFailure(
            f"Stream {stream.name}: {connection.info.host}:{connection.info.port} is a standby, which does not see "
            "the primary's open transactions. Let postgres_default connect to the primary."
        )
    if found.blind:
        raise HorizonFailure(
            f"Stream {stream.name}: crm_export.export_horizon() cannot see other sessions, so rows could be lost. "
            f"Run as a superuser: grant pg_read_all_stats to {found.owner};"
        )
    if found.horizon == "-infinity":
        raise HorizonFailure(
            f"Stream {stream.name}: session pid {found.oldest_pid} ({_name_application(found)}) hides when its "
            "transactions begin (track_activities = off), so rows could be lost. Run as a superuser: alter role … "
            "reset track_activities; and reconnect the session, or list its role under harmless_roles if it never "
            "writes."
        )
    if found.prepared:
        raise HorizonFailure(
            f"Stream {stream.name}: prepared transaction {found.prepared} is open and could still commit rows below "
            "the watermark. Finish it: commit prepared or rollback prepared."
        )
    _warn_of_long_transaction(stream, found)
    return found.horizon


def _ask(stream: Stream, connection: psycopg.Connection) -> Horizon:
    wanted = {
        "harmless_roles": list(stream.harmless_roles),
        "harmless_applications": list(stream.harmless_applications),
    }
    try:
        with connection.cursor(row_factory=class_row(Horizon)) as cursor:
            return fetch_one(cursor.execute(load_statement("source/export_horizon"), wanted))
    except (errors.UndefinedFunction, errors.InvalidSchemaName) as missing:
        raise ConfigurationFailure(
            "The schema crm_export is not installed in this database. Run the task prepare_schema of CRMExport, "
            "or ask a DBA to run include/sql/ledger/schema.sql."
        ) from missing
    except errors.InsufficientPrivilege as error:
        raise HorizonFailure(
            f"Role {connection.info.user} cannot see other sessions: it may not call crm_export.export_horizon(). "
            "Run as the schema's owner: grant usage on schema crm_export to the role, and grant execute on "
            "function crm_export.export_horizon(text[], text[]) to the role."
        ) from error


def find_blocking_transaction(source: Source) -> BlockingTransaction | None:
    """Return the transaction that has kept rows from being read for more than ten minutes, None when none does."""
    found = _ask(source.stream, source.connection)
    if found.seconds <= LONG_TRANSACTION_SECONDS:
        return None
    rows = _count_beyond(source, found.horizon)
    return BlockingTransaction(found.oldest_pid, found.oldest_application or "", found.seconds, rows)


def _count_beyond(source: Source, horizon: str) -> int:
    """Count the changed rows that may not be read yet, up to a limit."""
    values = {"horizon": horizon, "limit": WAITING_LIMIT}
    return int(fetch_value(source.connection.execute(source.compose("source/source_count_beyond", None), values)))


def _name_application(found: Horizon) -> str:
    return found.oldest_application or "no application name"


def _warn_of_long_transaction(stream: Stream, found: Horizon) -> None:
    if found.seconds > LONG_TRANSACTION_SECONDS:
        log.warning(
            "Stream %s reads only up to %s: pid %s (%s) has a transaction open for %d minutes. "
            "Nothing is skipped; later rows wait until it ends.",
            stream.name, found.horizon, found.oldest_pid, _name_application(found),
            found.seconds // 60,
        )  # fmt: skip

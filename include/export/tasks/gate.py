"""The gate: fails while a stream is stopped at a rejected record."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from include.export.ledger import Behind, ExportHolds, StoppedAt, explain_database_errors
from include.export.salesforce import Catalogue
from include.export.source import format_count


@dataclass(frozen=True)
class Hold:
    """A stream that is stopped at a rejected record.

    `error` is the id of the export error. `lines` are for the person who must act: the record, the reason, since when
    and how many rows wait, and what to do.
    """

    stream: str
    error: int
    record_key: str
    lines: tuple[str, ...]

    @property
    def message(self) -> str:
        """Return the lines as one text."""
        return " ".join(self.lines)


def check_hold(stream_name: str, *, connection: psycopg.Connection, catalogue: Catalogue, pause: bool) -> Hold | None:
    """Record and return the hold of a stream; None when the stream may pass, after releasing any hold.

    `pause` is the gate's value of the setting pause_on_export_errors. Raises RunFailure when Postgres fails.
    """
    holds = ExportHolds(connection)
    with explain_database_errors(stream_name), connection.transaction():
        stopped = holds.read_stop(stream_name)
        if not pause or stopped is None or stopped.status not in {"open", "waiting"}:
            holds.release(stream_name)
            return None
        holds.hold(stream_name, stopped.id)
        behind = holds.read_behind(stream_name)
        return Hold(stream_name, stopped.id, stopped.record_key, _describe(stream_name, stopped, behind, catalogue))


def _describe(stream_name: str, stopped: StoppedAt, behind: Behind, catalogue: Catalogue) -> tuple[str, ...]:
    fields = f" [{', '.join(stopped.error_fields)}]" if stopped.error_fields else ""
    reason = catalogue.redact(stopped.error_code, stopped.error_message).rstrip(".")
    waiting = format_count(stopped.rows_waiting or 0)
    changed = f" (changed {stopped.changed})" if stopped.changed else ""
    return (
        f"Paused: stream {stream_name} stopped at key={stopped.record_key}{changed}.",
        f"{stopped.error_code}{fields}: {reason}.",
        f"Attempt {stopped.attempts} since {stopped.since} UTC. {waiting} changed rows wait behind it.",
        *behind.lines,
        _advise(stopped),
    )


def _advise(stopped: StoppedAt) -> str:
    if stopped.parent_stream:
        return (
            f"It waits for its parent, key={stopped.parent_key} of stream {stopped.parent_stream}, which was "
            "rejected too: correct the parent, or set pause_on_export_errors to off."
        )
    return "Correct the record or the rule in Salesforce, or set pause_on_export_errors to off."

"""Failovers: a promoted standby or a restored backup that lacks the newest transactions."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from include.export.ledger import FAILOVER, ExportFindings
from include.export.positions import Position
from include.export.postgres import UNKNOWN, read_database_identity
from include.export.reconcile.org_listing import Listing
from include.export.run import RunContext
from include.export.source import SourceChecks

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Failover:
    """A detected failover: the database's current identity, the sign that revealed it, and a sentence for people."""

    identity: str
    sign: str
    message: str


def find_failover(run: RunContext, published_watermark: Position | None) -> Failover | None:
    """Return the failover if the database is not the one in which the stream was last checked.

    A promoted standby or a recovered backup has a new timeline, another cluster another identifier. A restored
    snapshot of the disk has neither; it is detected when `published_watermark`, the watermark as published outside
    this database, is above the watermark. A failover that an earlier run has handled is not returned again.
    """
    identity = read_database_identity(run.connection)
    known = run.state.database_identity
    if known is None or (known == UNKNOWN and identity != UNKNOWN):
        with run.lease.transaction():
            run.lease.keep_identity(identity)
        if known is None:  # never checked, or an operator has restarted the stream
            return None
    elif known != identity and identity != UNKNOWN:
        return _note_sign(run, identity, identity, f"it was {known} and is {identity}")
    if (
        published_watermark
        and _is_behind(run, published_watermark)
        and not _findings(run).have(FAILOVER, str(published_watermark))
    ):
        return _note_sign(run, identity, str(published_watermark), f"the published watermark is {published_watermark}")
    return None


def find_lost_keys(run: RunContext) -> list[str]:
    """Return the keys of the rows that Salesforce may have in a version that the database has lost.

    These are the rows of all records changed in Salesforce since this database settled its last batch.
    """
    listing = Listing(run.stream, run.connection, run.client)
    listing.fetch(since=run.batches.read_last_settled(run.stream.name))
    return listing.find_keys(run.source, run.form.identity)


def note_failover(run: RunContext, step: Failover) -> None:
    """Record that the failover has been handled; from now on, this database's identity is the known one."""
    with run.lease.transaction():
        _findings(run).note(FAILOVER, [(step.sign, step.message)])
        if step.identity != UNKNOWN:
            run.lease.keep_identity(step.identity)


def _note_sign(run: RunContext, identity: str, sign: str, reason: str) -> Failover:
    message = f"database changed: back at {run.state.watermark or 'the beginning'} ({reason})"
    log.warning("Stream %s: %s. Rows whose lost changes reached Salesforce are sent again.", run.stream.name, message)
    return Failover(identity, sign, message)


def _is_behind(run: RunContext, published_watermark: Position) -> bool:
    return run.state.watermark is None or SourceChecks(run.source).is_beyond(published_watermark, run.state.watermark)


def _findings(run: RunContext) -> ExportFindings:
    return ExportFindings(run.connection, run.stream.name, run.entry.id)
